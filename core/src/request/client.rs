//! The client's address, when listed proxies stand between.
//!
//! A proxy appends the address it saw to the right of what it was sent. So the list is read from the right, each entry
//! believed only because the one to its right is trusted, and what stands left of the first untrusted address is never
//! looked at: the client may have written it.

use std::net::{IpAddr, Ipv6Addr};

use super::network::{Network, NetworkError};
use super::{Request, trim_whitespace};

/// Which header the proxies write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// Whichever is there. If both are and disagree, the client wrote one of them: neither counts, and the peer's own
    /// address is used. The default, because it cannot be fooled without knowing the proxy.
    #[default]
    Either,
    /// `Forwarded` (RFC 7239) only.
    Forwarded,
    /// `X-Forwarded-For` only.
    XForwardedFor,
}

/// Most entries of a forwarded header that are looked at, from the right. No chain of proxies is longer; behind more,
/// the client is not known, and the peer's address counts.
const MAX_FORWARDED: usize = 64;

/// The proxies whose word on the client's address counts. Empty by default: the peer is the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    unix: bool,
    header: ForwardedHeader,
}

impl TrustedProxies {
    /// Entries are networks in CIDR notation, or `unix` for a peer without an address: a proxy on a Unix socket.
    ///
    /// # Errors
    ///
    /// [`NetworkError`] for the first entry that is neither.
    pub fn parse<T: AsRef<str>>(
        entries: impl IntoIterator<Item = T>,
        header: ForwardedHeader,
    ) -> Result<Self, NetworkError> {
        let mut proxies = Self {
            header,
            ..Self::default()
        };
        for entry in entries {
            match entry.as_ref() {
                "unix" => proxies.unix = true,
                network => proxies.networks.push(Network::parse(network)?),
            }
        }
        Ok(proxies)
    }

    /// The address that counts as the client's: the peer's, unless the peer is a listed proxy; then the first address
    /// from the right that is not one. An entry that is reached and cannot be read (`unknown` and obfuscated ones
    /// included) gives the peer's address. `None` only where the peer has none.
    pub fn client(&self, request: &Request) -> Option<IpAddr> {
        let peer = request.peer();
        if !self.trusts(peer) {
            return peer;
        }
        let read = |name, node: fn(&str) -> Option<IpAddr>| {
            request
                .values(name)
                .next()
                .is_some()
                .then(|| self.walk(request, name, node))
        };
        let forwarded = || read("forwarded", forwarded_node);
        let x_forwarded_for = || read("x-forwarded-for", node);
        let told = match self.header {
            ForwardedHeader::Forwarded => forwarded(),
            ForwardedHeader::XForwardedFor => x_forwarded_for(),
            ForwardedHeader::Either => match (forwarded(), x_forwarded_for()) {
                (Some(one), Some(other)) if one != other => None,
                (one, other) => one.or(other),
            },
        };
        told.flatten().or(peer)
    }

    /// True when the request says that it was forwarded, by a peer whose word does not count here: then everybody behind
    /// that peer is one network.
    pub fn is_unlisted(&self, request: &Request) -> bool {
        !self.trusts(request.peer())
            && ["forwarded", "x-forwarded-for"]
                .into_iter()
                .any(|name| request.values(name).next().is_some())
    }

    fn walk(&self, request: &Request, name: &str, node: fn(&str) -> Option<IpAddr>) -> Option<IpAddr> {
        let lines: Vec<&[u8]> = request.values(name).collect();
        let mut client = None;
        for (at, entry) in lines
            .iter()
            .rev()
            .flat_map(|line| line.rsplit(|&byte| byte == b','))
            .enumerate()
        {
            if at >= MAX_FORWARDED {
                return None;
            }
            let address = node(std::str::from_utf8(trim_whitespace(entry)).ok()?)?;
            client = Some(address);
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: Option<IpAddr>) -> bool {
        match address {
            None => self.unix,
            Some(address) => self.networks.iter().any(|network| network.contains(address)),
        }
    }
}

/// One element of `Forwarded`: `for=192.0.2.7;proto=https`. A comma inside a quoted string has split it before, which
/// makes it unreadable here; no proxy writes one, and reading from the right must not depend on the left.
fn forwarded_node(element: &str) -> Option<IpAddr> {
    let mut client = None;
    for pair in element.split(';') {
        let (name, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
        let value = match value.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"')?,
            None => value,
        };
        if name.is_empty() || value.contains(['"', '\\']) {
            return None;
        }
        if name.eq_ignore_ascii_case("for") && client.replace(node(value)?).is_some() {
            return None;
        }
    }
    client
}

/// An address, with or without a port: `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
fn node(text: &str) -> Option<IpAddr> {
    let address = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']')?;
        if !rest.is_empty() && !is_port(rest.strip_prefix(':')?) {
            return None;
        }
        IpAddr::V6(address.parse::<Ipv6Addr>().ok()?)
    } else if let Ok(address) = text.parse::<IpAddr>() {
        address
    } else {
        let (address, port) = text.split_once(':')?;
        if !is_port(port) {
            return None;
        }
        IpAddr::V4(address.parse().ok()?)
    };
    Some(address.to_canonical())
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "10.0.0.1";

    fn client(header: ForwardedHeader, peer: Option<&str>, headers: &[(&str, &str)]) -> Option<String> {
        let proxies = TrustedProxies::parse(["10.0.0.0/8", "fd00::/8", "unix"], header).unwrap();
        let peer = peer.map(|peer| peer.parse().unwrap());
        proxies
            .client(&Request::new("GET", headers.iter().copied(), peer))
            .map(|ip| ip.to_string())
    }

    #[test]
    fn no_more_than_a_bounded_number_of_entries_is_looked_at() {
        let proxies = TrustedProxies::parse(["10.0.0.0/8"], ForwardedHeader::Either).unwrap();
        let peer = "10.0.0.1".parse().ok();
        for (own, client) in [(MAX_FORWARDED - 1, "203.0.113.9"), (MAX_FORWARDED, "10.0.0.1")] {
            let mut lines = vec![("x-forwarded-for", "203.0.113.9")];
            lines.extend(vec![("x-forwarded-for", "10.0.0.2"); own]);
            let request = Request::new("GET", lines, peer);
            assert_eq!(proxies.client(&request), client.parse().ok(), "{own}");
        }
    }

    #[test]
    fn x_forwarded_for_is_read_from_the_right() {
        for (lines, expected) in [
            (vec!["203.0.113.9"], "203.0.113.9"),
            (vec!["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            (vec!["6.6.6.6, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            (vec!["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
            (vec!["203.0.113.9", "10.0.0.2, fd00::2"], "203.0.113.9"),
            (vec!["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (vec!["203.0.113.9:4711"], "203.0.113.9"),
            (vec!["[2001:db8::1]:4711"], "2001:db8::1"),
            (vec!["[2001:db8::1]"], "2001:db8::1"),
            (vec!["2001:db8::1"], "2001:db8::1"),
            (vec!["::ffff:203.0.113.9"], "203.0.113.9"),
            (vec!["rubbish\u{0}, 203.0.113.9"], "203.0.113.9"),
            (vec!["203.0.113.9, rubbish"], PEER),
            (vec!["203.0.113.9, rubbish, 10.0.0.2"], PEER),
            (vec!["203.0.113.9,"], PEER),
            (vec![""], PEER),
            (vec!["unknown"], PEER),
            (vec!["203.0.113.9:port"], PEER),
            (vec!["[2001:db8::1"], PEER),
            (vec!["[203.0.113.9]"], PEER),
            (vec!["203.0.113.09"], PEER),
            (vec!["203.0.113.9 10.0.0.2"], PEER),
        ] {
            let headers: Vec<_> = lines.iter().map(|line| ("X-Forwarded-For", *line)).collect();
            for header in [ForwardedHeader::Either, ForwardedHeader::XForwardedFor] {
                assert_eq!(
                    client(header, Some(PEER), &headers).as_deref(),
                    Some(expected),
                    "{lines:?}"
                );
            }
            assert_eq!(
                client(ForwardedHeader::Forwarded, Some(PEER), &headers).as_deref(),
                Some(PEER)
            );
        }
    }

    #[test]
    fn forwarded_is_read_from_the_right() {
        for (lines, expected) in [
            (vec!["for=203.0.113.9"], "203.0.113.9"),
            (
                vec!["For=\"203.0.113.9:4711\";proto=https; by=10.0.0.1"],
                "203.0.113.9",
            ),
            (vec!["for=\"[2001:db8::1]\""], "2001:db8::1"),
            (vec!["for=6.6.6.6, for=203.0.113.9"], "203.0.113.9"),
            (
                vec!["for=\"6.6.6.6", "for=203.0.113.9, for=10.0.0.2"],
                "203.0.113.9",
            ),
            (vec!["for=\"6.6.6.6, for=203.0.113.9"], "203.0.113.9"),
            (vec!["for=unknown"], PEER),
            (vec!["for=_hidden, for=10.0.0.2"], PEER),
            (vec!["proto=https"], PEER),
            (vec!["for=203.0.113.9;for=6.6.6.6"], PEER),
            (vec!["for=\"203.0.113.9"], PEER),
            (vec!["for=\"203.0.113\\.9\""], PEER),
            (vec!["203.0.113.9"], PEER),
            (vec!["for=203.0.113.9;"], PEER),
            (vec!["=;for=203.0.113.9"], PEER),
        ] {
            let headers: Vec<_> = lines.iter().map(|line| ("Forwarded", *line)).collect();
            for header in [ForwardedHeader::Either, ForwardedHeader::Forwarded] {
                assert_eq!(
                    client(header, Some(PEER), &headers).as_deref(),
                    Some(expected),
                    "{lines:?}"
                );
            }
            assert_eq!(
                client(ForwardedHeader::XForwardedFor, Some(PEER), &headers).as_deref(),
                Some(PEER)
            );
        }
    }

    #[test]
    fn an_unlisted_peer_is_the_client_whatever_it_says() {
        let spoof = [
            ("X-Forwarded-For", "203.0.113.9"),
            ("Forwarded", "for=203.0.113.9"),
        ];
        for header in [
            ForwardedHeader::Either,
            ForwardedHeader::Forwarded,
            ForwardedHeader::XForwardedFor,
        ] {
            assert_eq!(
                client(header, Some("192.0.2.7"), &spoof).as_deref(),
                Some("192.0.2.7")
            );
            assert_eq!(
                client(header, Some("::ffff:192.0.2.7"), &spoof).as_deref(),
                Some("192.0.2.7")
            );
        }
        let nobody = TrustedProxies::default();
        assert_eq!(nobody.client(&Request::new("GET", spoof, None)), None);
    }

    #[test]
    fn a_header_that_the_proxy_does_not_write_cannot_add_an_address() {
        let both = [("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=6.6.6.6")];
        assert_eq!(
            client(ForwardedHeader::Either, Some(PEER), &both).as_deref(),
            Some(PEER)
        );
        assert_eq!(
            client(ForwardedHeader::XForwardedFor, Some(PEER), &both).as_deref(),
            Some("203.0.113.9")
        );
        assert_eq!(
            client(ForwardedHeader::Forwarded, Some(PEER), &both).as_deref(),
            Some("6.6.6.6")
        );
        let agree = [
            ("X-Forwarded-For", "203.0.113.9"),
            ("Forwarded", "for=203.0.113.9"),
        ];
        assert_eq!(
            client(ForwardedHeader::Either, Some(PEER), &agree).as_deref(),
            Some("203.0.113.9")
        );
        let broken = [("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "rubbish")];
        assert_eq!(
            client(ForwardedHeader::Either, Some(PEER), &broken).as_deref(),
            Some(PEER)
        );
    }

    #[test]
    fn a_proxy_on_a_unix_socket_can_be_listed() {
        let headers = [("X-Forwarded-For", "203.0.113.9")];
        assert_eq!(
            client(ForwardedHeader::Either, None, &headers).as_deref(),
            Some("203.0.113.9")
        );
        assert_eq!(client(ForwardedHeader::Either, None, &[]), None);
    }
}
