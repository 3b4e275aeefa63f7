//! Is this message really Stripe's? The signature over the raw bytes, as Stripe documents it
//! ("Resolve webhook signature verification errors", "Verify webhook signatures manually").

use hmac::{Hmac, Mac};
use kernel::Timestamp;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// How many seconds a signature's timestamp may differ from now, either way.
pub const TOLERANCE_SECONDS: i64 = 300;

/// Signatures looked at in one header. Stripe sends one per active secret; more than this is an
/// attempt to make us work.
const SIGNATURES_MAX: usize = 16;

/// A signing secret of an endpoint (`whsec_...`). It never shows itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// From the text Stripe shows once.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The first 16 hexadecimal digits of its SHA-256: what may be stored and shown, and compared
    /// with what the tenant has on record.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(&Sha256::digest(self.0.as_bytes())[..8])
    }

    /// HMAC-SHA-256 of `{timestamp}.{body}`, as in the header's `v1`.
    #[must_use]
    pub fn sign(&self, timestamp: i64, body: &[u8]) -> [u8; 32] {
        // HMAC takes keys of every length (RFC 2104), so the error cannot occur; an all-zero
        // signature would in any case match nothing anybody can produce on purpose.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else {
            return [0; 32];
        };
        mac.update(timestamp.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no `Stripe-Signature` header.
    #[error("there is no Stripe-Signature header")]
    Missing,
    /// The header has no readable `t=`.
    #[error("the Stripe-Signature header has no timestamp")]
    NoTimestamp,
    /// The header has no readable `v1=`.
    #[error("the Stripe-Signature header has no v1 signature")]
    NoSignature,
    /// The timestamp is further from now than [`TOLERANCE_SECONDS`].
    #[error(
        "the signature's timestamp is {seconds_off} seconds off; {TOLERANCE_SECONDS} are allowed"
    )]
    OutOfTolerance {
        /// Seconds between the timestamp and now; negative for one in the future.
        seconds_off: i64,
    },
    /// No secret made any of the signatures.
    #[error("no signature fits the message")]
    NoMatch,
}

impl SignatureError {
    /// A label for the counter of refused messages.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::NoTimestamp => "signature_without_timestamp",
            Self::NoSignature => "signature_without_v1",
            Self::OutOfTolerance { .. } => "timestamp_out_of_tolerance",
            Self::NoMatch => "signature_invalid",
        }
    }
}

/// Verifies a message against several secrets and answers which one (by index) has signed it.
///
/// Every `v1` in any position counts (Stripe sends several while a secret is rotated); other
/// schemes are ignored. Comparison takes the same time wherever the signatures differ.
///
/// # Errors
/// [`SignatureError`]. A forged message is `NoMatch` even if its timestamp is far off.
pub fn verify(
    body: &[u8],
    header: Option<&str>,
    secrets: &[&Secret],
    now: Timestamp,
) -> Result<usize, SignatureError> {
    let header = header.map(str::trim).filter(|text| !text.is_empty());
    let parts = Parts::read(header.ok_or(SignatureError::Missing)?)?;
    let mut found = None;
    for (index, secret) in secrets.iter().enumerate() {
        let expected = secret.sign(parts.timestamp, body);
        let mut matches = Choice::from(0);
        for given in &parts.signatures {
            matches |= expected.ct_eq(given);
        }
        if bool::from(matches) && found.is_none() {
            found = Some(index);
        }
    }
    let found = found.ok_or(SignatureError::NoMatch)?;
    let seconds_off = now.unix_seconds().saturating_sub(parts.timestamp);
    if seconds_off.saturating_abs() > TOLERANCE_SECONDS {
        return Err(SignatureError::OutOfTolerance { seconds_off });
    }
    Ok(found)
}

/// The header for a message, one `v1` per secret: for tests, and for tools that replay messages.
#[must_use]
pub fn header(secrets: &[&Secret], timestamp: i64, body: &[u8]) -> String {
    secrets.iter().fold(format!("t={timestamp}"), |text, secret| {
        format!("{text},v1={}", hex::encode(secret.sign(timestamp, body)))
    })
}

struct Parts {
    timestamp: i64,
    signatures: Vec<[u8; 32]>,
}

impl Parts {
    fn read(header: &str) -> Result<Self, SignatureError> {
        let mut timestamp = None;
        let mut signatures = Vec::new();
        for item in header.split(',') {
            let Some((name, value)) = item.split_once('=') else { continue };
            match name.trim() {
                "t" if timestamp.is_none() => timestamp = value.trim().parse().ok(),
                "v1" if signatures.len() < SIGNATURES_MAX => {
                    let mut bytes = [0; 32];
                    if hex::decode_to_slice(value.trim(), &mut bytes).is_ok() {
                        signatures.push(bytes);
                    }
                }
                _ => {}
            }
        }
        let timestamp = timestamp.ok_or(SignatureError::NoTimestamp)?;
        if signatures.is_empty() {
            return Err(SignatureError::NoSignature);
        }
        Ok(Self { timestamp, signatures })
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_790_000_000;
    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(NOW)
    }

    fn check(header: &str, secrets: &[&Secret]) -> Result<usize, SignatureError> {
        verify(BODY, Some(header), secrets, now())
    }

    #[test]
    fn the_secret_that_signed_is_found_among_several() {
        let (old, new, other) =
            (Secret::new("whsec_old"), Secret::new("whsec_new"), Secret::new("whsec_other"));
        let signed = header(&[&new], NOW, BODY);
        assert_eq!(check(&signed, &[&old, &other, &new]), Ok(2));
        assert_eq!(check(&signed, &[&old, &other]), Err(SignatureError::NoMatch));
        assert_eq!(check(&signed, &[]), Err(SignatureError::NoMatch));
    }

    #[test]
    fn while_a_secret_is_rotated_either_generation_is_enough() {
        let (old, new) = (Secret::new("whsec_old"), Secret::new("whsec_new"));
        let both = header(&[&new, &old], NOW, BODY);
        assert_eq!(check(&both, &[&old]), Ok(0));
        assert_eq!(check(&both, &[&new]), Ok(0));
        let reversed = header(&[&old, &new], NOW, BODY);
        assert_eq!(check(&reversed, &[&new]), Ok(0));
    }

    #[test]
    fn other_schemes_are_ignored() {
        let secret = Secret::new("whsec_a");
        let right = hex::encode(secret.sign(NOW, BODY));
        let only_v0 = format!("t={NOW},v0={right}");
        assert_eq!(check(&only_v0, &[&secret]), Err(SignatureError::NoSignature));
        let beside = format!("v0={},t={NOW},v1={right}", "0".repeat(64));
        assert_eq!(check(&beside, &[&secret]), Ok(0));
    }

    #[test]
    fn spaces_and_rubbish_around_a_right_signature_do_no_harm() {
        let secret = Secret::new("whsec_a");
        let right = hex::encode(secret.sign(NOW, BODY));
        let odd = format!("  x , t = {NOW} ,, v1=zz, v1 = {right} ,=,v1");
        assert_eq!(check(&odd, &[&secret]), Ok(0));
    }

    #[test]
    fn each_defect_of_a_header_has_its_own_name() {
        let secret = Secret::new("whsec_a");
        let right = hex::encode(secret.sign(NOW, BODY));
        assert_eq!(verify(BODY, None, &[&secret], now()), Err(SignatureError::Missing));
        assert_eq!(check("  ", &[&secret]), Err(SignatureError::Missing));
        assert_eq!(check(&format!("v1={right}"), &[&secret]), Err(SignatureError::NoTimestamp));
        assert_eq!(
            check(&format!("t=soon,v1={right}"), &[&secret]),
            Err(SignatureError::NoTimestamp)
        );
        assert_eq!(check(&format!("t={NOW}"), &[&secret]), Err(SignatureError::NoSignature));
        assert_eq!(check(&format!("t={NOW},v1=12"), &[&secret]), Err(SignatureError::NoSignature));
        assert_eq!(check("rubbish", &[&secret]), Err(SignatureError::NoTimestamp));
    }

    #[test]
    fn a_signature_is_good_for_five_minutes_either_way() {
        let secret = Secret::new("whsec_a");
        for (offset, accepted) in
            [(0, true), (300, true), (-300, true), (301, false), (-301, false)]
        {
            let result = check(&header(&[&secret], NOW - offset, BODY), &[&secret]);
            let expected = if accepted {
                Ok(0)
            } else {
                Err(SignatureError::OutOfTolerance { seconds_off: offset })
            };
            assert_eq!(result, expected, "{offset}");
        }
        let extreme = header(&[&secret], i64::MIN, BODY);
        assert!(matches!(check(&extreme, &[&secret]), Err(SignatureError::OutOfTolerance { .. })));
    }

    #[test]
    fn a_secret_never_shows_itself() {
        assert!(!format!("{:?}", Secret::new("whsec_hidden")).contains("hidden"));
    }

    proptest! {
        #[test]
        fn one_flipped_bit_anywhere_is_refused(
            body in proptest::collection::vec(any::<u8>(), 1..200),
            place in any::<prop::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let secret = Secret::new("whsec_a");
            let signed = header(&[&secret], NOW, &body);
            prop_assert_eq!(verify(&body, Some(&signed), &[&secret], now()), Ok(0));

            let mut changed = body.clone();
            changed[place.index(body.len())] ^= 1 << bit;
            prop_assert_eq!(
                verify(&changed, Some(&signed), &[&secret], now()),
                Err(SignatureError::NoMatch)
            );

            let mut signature = secret.sign(NOW, &body);
            signature[place.index(32)] ^= 1 << bit;
            let forged = format!("t={NOW},v1={}", hex::encode(signature));
            prop_assert_eq!(
                verify(&body, Some(&forged), &[&secret], now()),
                Err(SignatureError::NoMatch)
            );
            let later = format!("t={},v1={}", NOW + 1, hex::encode(secret.sign(NOW, &body)));
            prop_assert_eq!(
                verify(&body, Some(&later), &[&secret], now()),
                Err(SignatureError::NoMatch)
            );
        }

        #[test]
        fn no_header_makes_the_verifier_fail(header in "\\PC{0,80}") {
            prop_assert!(check(&header, &[&Secret::new("whsec_a")]).is_err());
        }
    }

    /// Another implementation of HMAC must come to the same signature; Python's is always there
    /// where the tests run.
    #[test]
    fn python_signs_the_same() {
        let script = "import hashlib,hmac,sys\n\
                      print(hmac.new(b'whsec_python', sys.argv[1].encode()+b'.'+sys.argv[2].encode(), \
                      hashlib.sha256).hexdigest())";
        let output = Command::new("python3")
            .args(["-c", script, &NOW.to_string(), std::str::from_utf8(BODY).unwrap()])
            .output()
            .expect("python3 is needed by the tests; `make test` checks for it");
        let signature = String::from_utf8(output.stdout).unwrap();
        let header = format!("t={NOW},v1={}", signature.trim());
        assert_eq!(check(&header, &[&Secret::new("whsec_python")]), Ok(0));
    }
}
