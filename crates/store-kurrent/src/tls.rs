//! Before the first connection: what the client would panic about is found and said in words.
//!
//! `eventstore` 4.0.0 installs a rustls provider for the whole process when it first connects, and its
//! background task panics if there is one already, or if a certificate it wants cannot be read. Its
//! caller only sees a closed connection. Other TLS users (the Stripe client) on the other hand panic
//! while no provider is installed. So one call comes before all of them: [`prepare_tls`].

use std::time::Duration;

use eventstore::{Client, ClientSettings, Error};
use rustls::{
    RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{sync::OnceCell, time::timeout};

use crate::{TlsError, address::Address};

/// Nobody answers at the discard port, and nobody needs to.
const NOWHERE: &str = "esdb://127.0.0.1:9?tls=false&maxDiscoverAttempts=2&discoveryInterval=1\
    &gossipTimeout=500&tlsCaFile=/dev/null";

const PREPARING_TIME_MAX: Duration = Duration::from_secs(5);

static PREPARED: OnceCell<()> = OnceCell::const_new();

/// Lets the KurrentDB client choose the cryptography of this process. To be awaited at start-up,
/// before anything else that speaks TLS is built; again it does nothing.
///
/// # Errors
/// [`TlsError::ProviderTaken`] when somebody else was first: the client would panic at its first
/// connection and at every later one.
pub async fn prepare_tls() -> Result<(), TlsError> {
    PREPARED.get_or_try_init(prepare).await.copied()
}

async fn prepare() -> Result<(), TlsError> {
    if CryptoProvider::get_default().is_some() {
        return Err(TlsError::ProviderTaken);
    }
    let settings: ClientSettings = NOWHERE.parse().map_err(|_| TlsError::ClientDied)?;
    let client = Client::new(settings).map_err(|_| TlsError::ClientDied)?;
    // That it fails is certain; how it fails tells whether the background task is alive.
    match timeout(PREPARING_TIME_MAX, client.server_info()).await {
        Ok(Err(Error::ConnectionClosed)) => Err(TlsError::ClientDied),
        _ if CryptoProvider::get_default().is_none() => Err(TlsError::ClientDied),
        _ => Ok(()),
    }
}

/// Reads every certificate the client will read, because it panics over those it cannot.
pub(crate) fn check_certificates(address: &Address) -> Result<(), TlsError> {
    if !address.is_secure() {
        return Ok(());
    }
    let mut roots = RootCertStore::empty();
    if let Some(path) = address.setting("tlsCaFile") {
        for certificate in read_certificates(path)? {
            roots.add(certificate).map_err(|error| wrong(path, &error))?;
        }
    } else {
        let native = rustls_native_certs::load_native_certs();
        if let Some(error) = native.errors.first() {
            return Err(wrong("the machine's certificates", error));
        }
        for certificate in native.certs {
            let added = roots.add(certificate);
            added.map_err(|error| wrong("one of the machine's certificates", &error))?;
        }
    }
    if roots.is_empty() && address.setting("tlsVerifyCert") != Some("false") {
        return Err(TlsError::Certificates("there is no certificate to trust".to_owned()));
    }
    if let Some(path) = address.setting("userCertFile") {
        read_certificates(path)?;
    }
    if let Some(path) = address.setting("userKeyFile") {
        PrivateKeyDer::from_pem_file(path).map_err(|error| wrong(path, &error))?;
    }
    Ok(())
}

fn read_certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(path, &error))
}

fn wrong(what: &str, error: &dyn std::fmt::Display) -> TlsError {
    TlsError::Certificates(format!("{what} cannot be read: {error}"))
}
