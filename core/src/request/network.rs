//! Networks: those that an operator lists, and the prefixes that throttling counts by.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::error::{Error, ErrorKind};

/// A network in CIDR notation (RFC 4632): `10.0.0.0/8`, `2001:db8::/32`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    length: u8,
}

impl Network {
    /// Parses a network. The bits behind the length must be zero, so that what is written is what is meant.
    ///
    /// # Errors
    ///
    /// [`NetworkError`], naming the value and the form that is wanted.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let wrong = |fix: String| NetworkError {
            value: text.to_owned(),
            fix,
        };
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| wrong("write an address or a network, as 10.0.0.0/8 or 2001:db8::/32, or `unix` for a proxy on a Unix socket".to_owned()))?;
        let width = width(address);
        let length = match length {
            None => width,
            Some(digits) => digits
                .parse::<u8>()
                .ok()
                .filter(|&length| length <= width && digits.bytes().all(|digit| digit.is_ascii_digit()))
                .ok_or_else(|| wrong(format!("write a length from 0 to {width} after the slash")))?,
        };
        let first = masked(address, length);
        if first != address {
            return Err(wrong(format!("the network of that length is {first}/{length}")));
        }
        match (address, address.to_canonical()) {
            // An IPv4-mapped network is the IPv4 network: peers are unmapped too.
            (IpAddr::V6(_), unmapped @ IpAddr::V4(_)) if length >= 96 => Ok(Self {
                first: unmapped,
                length: length - 96,
            }),
            _ => Ok(Self {
                first: address,
                length,
            }),
        }
    }

    /// Whether the address lies in this network. IPv4-mapped addresses count as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.first) && masked(address, self.length) == self.first
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.length)
    }
}

/// The part of an address that stands for one subscriber: the whole of an IPv4 address, the first 64 bits of an IPv6
/// address, because a household gets at least those (RFC 6177) and could otherwise take a new address for each try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkPrefix(IpAddr, u8);

impl NetworkPrefix {
    /// Bits of an IPv6 address that are kept.
    pub const IPV6_LENGTH: u8 = 64;

    /// The prefix of an address. IPv4-mapped addresses count as IPv4.
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        match address {
            IpAddr::V4(_) => Self(address, 32),
            IpAddr::V6(_) => Self(masked(address, Self::IPV6_LENGTH), Self::IPV6_LENGTH),
        }
    }

    /// The /48 of an IPv6 address: a site may have that many networks of subscribers. `None` for IPv4.
    pub fn wide(address: IpAddr) -> Option<Self> {
        let address = address.to_canonical();
        address.is_ipv6().then(|| Self(masked(address, 48), 48))
    }
}

/// `192.0.2.7/32` or `2001:db8::/64`: what throttle keys and events contain.
impl fmt::Display for NetworkPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

/// A configured network that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkError {
    value: String,
    fix: String,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a network: {}", self.value, self.fix)
    }
}

impl std::error::Error for NetworkError {}

impl From<NetworkError> for Error {
    fn from(error: NetworkError) -> Self {
        Self::new(ErrorKind::Configuration, error.to_string())
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX
                .checked_shl(128 - u32::from(length.min(128)))
                .unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_what_they_say() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.7", "::ffff:192.0.2.7", "::192.0.2.7"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("::/0", "2001:db8::1", "203.0.113.9"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("::1", "::1", "127.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"),
        ] {
            let parsed = Network::parse(network).unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network} {outside}");
        }
        assert_eq!(
            Network::parse("::ffff:10.0.0.0/104").unwrap().to_string(),
            "10.0.0.0/8"
        );
    }

    #[test]
    fn wrong_networks_are_refused_with_the_fix() {
        for (text, fix) in [
            ("10.0.0.1/8", "10.0.0.0/8"),
            ("10.0.0.0/33", "0 to 32"),
            ("10.0.0.0/+8", "0 to 32"),
            ("::/129", "0 to 128"),
            ("10.0.0.0/", "0 to 32"),
            ("10.0/8", "10.0.0.0/8"),
            ("proxy.example", "10.0.0.0/8"),
            ("010.0.0.0/8", "10.0.0.0/8"),
            ("", "10.0.0.0/8"),
        ] {
            let message = Network::parse(text).unwrap_err().to_string();
            assert!(
                message.contains(fix) && message.contains(&format!("{text:?}")),
                "{message}"
            );
        }
    }

    #[test]
    fn prefixes_unite_one_subscriber() {
        for (address, prefix) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(
                NetworkPrefix::of(address.parse().unwrap()).to_string(),
                prefix,
                "{address}"
            );
        }
    }
}
