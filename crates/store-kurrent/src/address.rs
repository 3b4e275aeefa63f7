//! Where the server is: connection strings of every scheme in use, as the client understands them.

use std::fmt;

use eventstore::ClientSettings;
use url::form_urlencoded;

/// The port of a server that names none.
const DEFAULT_PORT: u16 = 2113;

/// A connection string, taken apart. It prints without its user and password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    user: Option<String>,
    hosts: Vec<(String, u16)>,
    discover: bool,
    /// What the client is told, as name and value.
    settings: Vec<(String, String)>,
    /// What every stream's name begins with, if this log shares a server.
    pub(crate) prefix: Option<String>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let discover = if self.discover { "+discover" } else { "" };
        let hosts: Vec<String> =
            self.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        write!(f, "esdb{discover}://{}", hosts.join(","))
    }
}

impl Address {
    /// Takes a connection string apart: `esdb`, `esdb+discover`, `kurrentdb` and
    /// `kurrentdb+discover`, one host or several, and the client's parameters.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or("it has no scheme")?;
        let discover = match scheme {
            "esdb" | "kurrentdb" => false,
            "esdb+discover" | "kurrentdb+discover" => true,
            other => return Err(format!("the scheme {other} is neither esdb nor kurrentdb")),
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        if !path.is_empty() {
            return Err(format!("it names a path, /{path}"));
        }
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (Some(user.to_owned()), hosts),
            None => (None, authority),
        };
        let hosts = hosts.split(',').map(host_and_port).collect::<Result<Vec<_>, _>>()?;
        let mut address = Self { user, hosts, discover, settings: Vec::new(), prefix: None };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.to_lowercase().as_str() {
                "prefix" => address.prefix = Some(value.into_owned()),
                // The supervisor decides these; see `connection`.
                "maxdiscoverattempts" | "discoveryinterval" | "nodepreference" => {}
                _ => address.settings.push((name.into_owned(), value.into_owned())),
            }
        }
        if !address.is_secure() && cfg!(unix) {
            // The client reads the machine's certificates even for a plain connection, and panics
            // where there are none. An empty file of its own keeps it from looking.
            address.settings.retain(|(name, _)| !name.eq_ignore_ascii_case("tlscafile"));
            address.settings.push(("tlsCaFile".to_owned(), "/dev/null".to_owned()));
        }
        // Whatever the client cannot read should be known now and not at the first connection.
        address.client_settings(None).map(|_| address)
    }

    /// The client's settings for the whole cluster, or for one node of it.
    pub(crate) fn client_settings(
        &self,
        node: Option<&(String, u16)>,
    ) -> Result<ClientSettings, String> {
        let scheme = if self.discover && node.is_none() { "esdb+discover" } else { "esdb" };
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let hosts = node.map_or(self.hosts.as_slice(), std::slice::from_ref);
        let hosts: Vec<String> =
            hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.settings)
            // The client sleeps before it connects at all, and counts that as its first attempt.
            .extend_pairs([("maxDiscoverAttempts", "3"), ("discoveryInterval", "1")])
            .extend_pairs([("nodePreference", "leader")])
            .finish();
        // No comma may follow the hosts: with several, the client takes every one for a separator.
        let query = query.replace(',', "%2C");
        format!("{scheme}://{user}{}?{query}", hosts.join(","))
            .parse::<ClientSettings>()
            .map_err(|error| error.to_string())
    }

    /// A setting the client is told.
    pub(crate) fn setting(&self, wanted: &str) -> Option<&str> {
        let found = self.settings.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the connection is encrypted; it is unless the connection string says otherwise.
    pub(crate) fn is_secure(&self) -> bool {
        self.setting("tls") != Some("false")
    }

    /// Whether every host named is this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.hosts.iter().all(|(host, _)| {
            host == "localhost"
                || host
                    .trim_matches(['[', ']'])
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        })
    }
}

fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => {
            (host, port.parse().map_err(|_| format!("\"{port}\" is not a port"))?)
        }
        _ => (text, DEFAULT_PORT),
    };
    if host.is_empty() { Err("it names no host".to_owned()) } else { Ok((host.to_owned(), port)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(url: &str) -> Vec<String> {
        let settings = Address::parse(url).unwrap().client_settings(None).unwrap();
        settings.hosts().iter().map(|host| format!("{}:{}", host.host, host.port)).collect()
    }

    #[test]
    fn every_scheme_in_use_is_understood() {
        for (scheme, discover) in [
            ("esdb", false),
            ("esdb+discover", true),
            ("kurrentdb", false),
            ("kurrentdb+discover", true),
        ] {
            let address = Address::parse(&format!("{scheme}://admin:changeit@db:2114")).unwrap();
            let settings = address.client_settings(None).unwrap();
            assert_eq!(settings.is_dns_discovery_enabled(), discover, "{scheme}");
            assert_eq!(settings.hosts().first().map(|host| host.port), Some(2114));
            assert!(settings.default_authenticated_user().is_some());
            assert!(settings.is_secure_mode_enabled());
        }
    }

    #[test]
    fn several_hosts_with_and_without_ports_are_all_seeds() {
        assert_eq!(hosts("esdb://a:1,b,c:3?tls=false"), ["a:1", "b:2113", "c:3"]);
        assert_eq!(hosts("kurrentdb://u:p@a,b/?connectionName=x,y"), ["a:2113", "b:2113"]);
    }

    #[test]
    fn what_is_ours_and_what_is_the_supervisors_never_reaches_the_client() {
        let address =
            Address::parse("esdb://a?prefix=case1&nodePreference=follower&tls=false").unwrap();
        assert_eq!(address.prefix.as_deref(), Some("case1"));
        let settings = address.client_settings(None).unwrap();
        assert_eq!(settings.node_preference(), eventstore::NodePreference::Leader);
    }

    #[test]
    fn a_leader_that_was_named_is_asked_alone() {
        let address = Address::parse("esdb+discover://a,b?tls=false").unwrap();
        let settings = address.client_settings(Some(&("c".to_owned(), 7))).unwrap();
        assert!(!settings.is_dns_discovery_enabled());
        assert_eq!(settings.hosts().len(), 1);
    }

    #[test]
    fn what_is_no_connection_string_is_refused_in_words() {
        for url in ["", "postgres://a", "esdb://", "esdb://a:x", "esdb://a/b", "esdb://a?tls=maybe"]
        {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let address = Address::parse("esdb://admin:changeit@db").unwrap();
        assert_eq!(format!("{address:?} {address}"), "esdb://db:2113 esdb://db:2113");
    }

    #[test]
    fn only_loopback_addresses_are_local() {
        for (host, local) in [("localhost", true), ("127.0.0.1", true), ("10.0.0.1", false)] {
            let address = Address::parse(&format!("esdb://{host}?tls=false")).unwrap();
            assert_eq!(address.is_local(), local, "{host}");
        }
    }
}
