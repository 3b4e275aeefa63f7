//! What the client would panic about is an error in words: each case in a process of its own, because
//! a process has one rustls provider and one environment.

#[cfg(test)]
mod cases {
    use std::{env, future::Future, process::Command};

    use kurrent_fake::{FakeOptions, FakeServer};
    use rustls::crypto::{CryptoProvider, ring};
    use store_kurrent::{KurrentLog, LogOptions, OpenLogError, TlsError, prepare_tls};

    const CHILD: &str = "STORE_KURRENT_TLS_CHILD";

    /// Runs the case in a process of its own, with this environment.
    fn alone(case: &str, environment: &[(&str, &str)], work: impl Future<Output = ()>) {
        if env::var_os(CHILD).is_some() {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            runtime.unwrap().block_on(work);
            return;
        }
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", &format!("cases::{case}"), "--nocapture"])
            .env(CHILD, "1")
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{said}");
        assert!(!said.contains("panicked"), "nothing panics in the background: {said}");
    }

    async fn open(url: &str) -> Result<KurrentLog, OpenLogError> {
        KurrentLog::open(url, LogOptions::default()).await
    }

    #[test]
    fn a_provider_that_came_first_is_an_error_and_not_a_panic() {
        alone("a_provider_that_came_first_is_an_error_and_not_a_panic", &[], async {
            ring::default_provider().install_default().unwrap();
            assert_eq!(prepare_tls().await, Err(TlsError::ProviderTaken));
            let server = FakeServer::start(FakeOptions::default()).await.unwrap();
            let opened = open(&server.url()).await;
            assert!(
                matches!(opened, Err(OpenLogError::Tls(TlsError::ProviderTaken))),
                "{opened:?}"
            );
        });
    }

    #[test]
    fn after_the_preparation_others_may_use_tls_and_the_log_opens() {
        alone("after_the_preparation_others_may_use_tls_and_the_log_opens", &[], async {
            assert_eq!(prepare_tls().await, Ok(()));
            assert!(CryptoProvider::get_default().is_some());
            // As the Stripe client does, which panics where no provider is installed.
            let roots = rustls::RootCertStore::empty();
            let _theirs =
                rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
            assert!(ring::default_provider().install_default().is_err(), "one is enough");
            assert_eq!(prepare_tls().await, Ok(()), "again it does nothing");
            let server = FakeServer::start(FakeOptions::default()).await.unwrap();
            open(&server.url()).await.unwrap();
        });
    }

    #[test]
    fn without_the_machines_certificates_only_a_secure_connection_is_refused() {
        let environment = [("SSL_CERT_FILE", "/nowhere/certificates.pem")];
        let case = "without_the_machines_certificates_only_a_secure_connection_is_refused";
        alone(case, &environment, async {
            let opened = open("esdb://127.0.0.1:1").await;
            assert!(
                matches!(opened, Err(OpenLogError::Tls(TlsError::Certificates(_)))),
                "{opened:?}"
            );
            let server = FakeServer::start(FakeOptions::default()).await.unwrap();
            open(&server.url()).await.unwrap();
        });
    }

    #[test]
    fn certificates_that_are_named_and_cannot_be_read_are_an_error() {
        alone("certificates_that_are_named_and_cannot_be_read_are_an_error", &[], async {
            let folder = tempfile::tempdir().unwrap();
            let empty = folder.path().join("empty.pem");
            std::fs::write(&empty, "").unwrap();
            for path in ["/nowhere/ca.pem", empty.to_str().unwrap()] {
                let opened = open(&format!("esdb://127.0.0.1:1?tlsCaFile={path}")).await;
                assert!(
                    matches!(opened, Err(OpenLogError::Tls(TlsError::Certificates(_)))),
                    "{path}: {opened:?}"
                );
            }
        });
    }
}
