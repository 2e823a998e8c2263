//! Bodies: JSON, or a form, read by the shape of their endpoint. What a shape does not have is refused by name; nothing is
//! guessed, converted or dropped.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::problem::Problem;
use super::shape::{Shape, Type};
use super::target::parameters;
use crate::plugin::Fields;
use crate::secret::Secret;

/// How deep a body nests at most.
const MAX_DEPTH: usize = 8;

/// Which of the two a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Form,
    Json,
}

impl Media {
    /// By `Content-Type`, its parameters aside; `None`: neither.
    pub(super) fn of(content_type: &[u8]) -> Option<Self> {
        let media = content_type
            .split(|&byte| byte == b';')
            .next()
            .unwrap_or_default();
        let media = media.trim_ascii();
        if media.eq_ignore_ascii_case(b"application/json") {
            Some(Self::Json)
        } else if media.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Some(Self::Form)
        } else {
            None
        }
    }
}

/// A body, as its shape has it.
#[derive(Default)]
pub(super) struct Given(Map<String, Value>);

impl Given {
    /// Reads a body.
    ///
    /// # Errors
    /// `invalid_argument`, of the member that cannot be taken.
    pub(super) fn read(shape: &Shape, media: Media, body: &[u8]) -> Result<Self, Problem> {
        let members = match media {
            _ if body.is_empty() => Map::new(),
            Media::Json => json(body)?,
            Media::Form => form(shape, body)?,
        };
        for (name, value) in &members {
            let Some(member) = shape.member(name) else {
                let known: Vec<&str> = shape.members.iter().map(|member| member.name).collect();
                return Err(Problem::field(
                    name,
                    format!(
                        "`{}` is not known here: there are {}",
                        shown(name),
                        known.join(", ")
                    ),
                ));
            };
            check(name, member.of, value)?;
        }
        match shape
            .members
            .iter()
            .find(|member| member.required && !members.contains_key(member.name))
        {
            Some(absent) => Err(Problem::field(
                absent.name,
                format!("`{}` is missing", absent.name),
            )),
            None => Ok(Self(members)),
        }
    }

    /// A text that may be absent. Absent where the shape has none, too.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A text that the shape demands.
    pub(super) fn demanded(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    pub(super) fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name).and_then(Value::as_object)
    }

    /// Credentials.
    pub(super) fn fields(&self) -> Fields {
        let fields = self.object("fields").into_iter().flatten();
        let named =
            fields.map(|(name, value)| (name.clone(), Secret::from(value.as_str().unwrap_or_default())));
        Fields(named.collect())
    }

    /// What a page may show again of a form that was refused: no secrets.
    pub(super) fn again(&self) -> Map<String, Value> {
        let kept = ["provider", "identifier", "to"];
        let members = self.0.iter().filter(|(name, _)| kept.contains(&name.as_str()));
        members
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

fn check(name: &str, of: Type, value: &Value) -> Result<(), Problem> {
    let fits = match of {
        Type::Text | Type::Secret | Type::Time => value.is_string(),
        Type::Whole => value.is_u64(),
        Type::Flag => value.is_boolean(),
        Type::Object | Type::Challenge => value.is_object(),
        Type::Fields => value
            .as_object()
            .is_some_and(|fields| fields.values().all(Value::is_string)),
        Type::Texts => value
            .as_array()
            .is_some_and(|texts| texts.iter().all(Value::is_string)),
        Type::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        Type::One(_) | Type::Many(_) => false,
    };
    if fits {
        return Ok(());
    }
    let takes = match of {
        Type::Whole => "a whole number".into(),
        Type::Flag => "true or false".into(),
        Type::Object | Type::Challenge => "an object".into(),
        Type::Fields => "an object of texts".into(),
        Type::Texts => "a list of texts".into(),
        Type::Word(words) => format!("one of {}", words.join(", ")),
        Type::Text | Type::Secret | Type::Time | Type::One(_) | Type::Many(_) => "text".into(),
    };
    Err(Problem::field(name, format!("`{name}` takes {takes}")))
}

/// A name of the request as an answer may show it.
fn shown(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

/// A JSON object in which no name comes twice.
fn json(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let refused = |why: &str| {
        Problem::new(crate::ErrorKind::InvalidArgument).saying(format!("the body is no JSON object: {why}"))
    };
    let text = std::str::from_utf8(body).map_err(|_| refused("it is not UTF-8"))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    // The parser's messages name a place and a kind of mistake; what was sent they quote nowhere.
    let read = Strict::at(1, &mut reader).and_then(|value| reader.end().map(|()| value));
    match read {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(refused("it is something else")),
        Err(error) if error.to_string().starts_with(TWICE) => {
            Err(refused("a name comes twice in one object"))
        }
        Err(error) if error.to_string().starts_with(DEEP) => {
            Err(refused(&format!("it nests deeper than {MAX_DEPTH}")))
        }
        Err(error) => Err(refused(&format!(
            "line {}, column {}",
            error.line(),
            error.column()
        ))),
    }
}

const TWICE: &str = "a name comes twice";
const DEEP: &str = "too deep";

/// Any JSON whose objects have each name once and that nests no deeper than is taken.
struct Strict {
    depth: usize,
}

impl Strict {
    fn at<'de, D: Deserializer<'de>>(depth: usize, from: D) -> Result<Value, D::Error> {
        if depth > MAX_DEPTH {
            return Err(D::Error::custom(DEEP));
        }
        from.deserialize_any(Self { depth })
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        Self::at(self.depth, from)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = from.next_element_seed(Self {
            depth: self.depth + 1,
        })? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = from.next_key::<Name>()? {
            let value = from.next_value_seed(Self {
                depth: self.depth + 1,
            })?;
            if members.insert(name.0, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(members.into())
    }
}

/// A member's name.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self)
    }
}

/// A form as the object that its names say: `fields.NAME` and `attributes.NAME` are members of objects.
fn form(shape: &Shape, body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let refused = |why: &str| {
        Problem::new(crate::ErrorKind::InvalidArgument).saying(format!("the form cannot be read: {why}"))
    };
    let text = std::str::from_utf8(body).map_err(|_| refused("it is not UTF-8"))?;
    let mut members = Map::new();
    for (name, value) in parameters(text) {
        if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
            return Err(refused("what is encoded in it is not UTF-8"));
        }
        let twice = || Problem::field(&shown(&name), "it comes twice");
        if let Some((object, inner)) = name.split_once('.') {
            let held = members
                .entry(object.to_owned())
                .or_insert_with(|| Value::Object(Map::new()));
            let Some(held) = held.as_object_mut() else {
                return Err(twice());
            };
            if held.insert(inner.to_owned(), value.into()).is_some() {
                return Err(twice());
            }
            continue;
        }
        let value = match shape.member(&name).map(|member| member.of) {
            // An unchecked box is not sent at all; a checked one as `on`, unless the page says otherwise.
            Some(Type::Flag) => match value.as_str() {
                "on" | "true" | "1" => true.into(),
                "" | "off" | "false" | "0" => false.into(),
                _ => value.into(),
            },
            // A field that was left empty is as absent as one that the page does not have.
            Some(_) if value.is_empty() => continue,
            _ => Value::from(value),
        };
        if members.insert(name.clone(), value).is_some() {
            return Err(twice());
        }
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::super::given::{NOTHING, SIGN_IN, SIGN_OUT};
    use super::*;

    fn read(shape: &Shape, body: &str) -> Result<Map<String, Value>, (Option<String>, String)> {
        let media = if body.starts_with(['{', '[', '"']) {
            Media::Json
        } else {
            Media::Form
        };
        Given::read(shape, media, body.as_bytes())
            .map(|given| given.0)
            .map_err(|problem| {
                let field = problem
                    .more
                    .get("field")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                (field, problem.detail.unwrap_or_default())
            })
    }

    #[test]
    fn a_form_and_json_say_the_same() {
        let json = read(
            &SIGN_IN,
            r#"{"provider":"email","identifier":"a b","fields":{"password":"p+=&é"},"persistent":true}"#,
        );
        let form = read(
            &SIGN_IN,
            "provider=email&identifier=a+b&fields.password=p%2B%3D%26%C3%A9&persistent=on&to=",
        );
        assert_eq!(json.unwrap(), form.unwrap());
    }

    #[test]
    fn what_a_shape_does_not_have_is_refused_by_name() {
        for (body, field) in [
            (r#"{"provider":"email","fileds":{}}"#, "fileds"),
            ("provider=email&csrf=1", "csrf"),
            (r#"{"identifier":"a"}"#, "provider"),
            ("identifier=a", "provider"),
            (r#"{"provider":1}"#, "provider"),
            (r#"{"provider":"email","fields":{"password":1}}"#, "fields"),
            (r#"{"provider":"email","persistent":"yes"}"#, "persistent"),
            ("provider=email&persistent=yes", "persistent"),
            ("provider=email&provider=other", "provider"),
            ("provider=email&fields.a=1&fields.a=2", "fields.a"),
            ("provider=email&fields=1&fields.a=2", "fields.a"),
            ("provider=email&%00=1", "\0"),
        ] {
            let (found, detail) = read(&SIGN_IN, body).unwrap_err();
            assert_eq!(found.as_deref(), Some(field), "{body}: {detail}");
        }
        assert_eq!(
            read(&SIGN_OUT, r#"{"where":"nowhere"}"#)
                .unwrap_err()
                .0
                .as_deref(),
            Some("where")
        );
        assert!(read(&NOTHING, "").is_ok() && read(&NOTHING, "{}").is_ok());
    }

    #[test]
    fn json_is_read_as_it_stands() {
        let deep = format!(
            "{{\"provider\":\"a\",\"fields\":{}1{}}}",
            "[".repeat(7),
            "]".repeat(7)
        );
        for (body, said) in [
            (r#"{"provider":"a","provider":"b"}"#, "twice"),
            (r#"{"provider":"a","fields":{"a":"1","a":"2"}}"#, "twice"),
            (deep.as_str(), "deeper than 8"),
            ("[]", "something else"),
            ("\"a\"", "something else"),
            ("{", "line 1, column 1"),
            (r#"{"provider":"a"} {}"#, "line 1"),
        ] {
            let (_, detail) = read(&SIGN_IN, body).unwrap_err();
            assert!(detail.contains(said), "{body}: {detail}");
        }
        for (media, body) in [
            (Media::Json, &b"{\"provider\":\"\xff\"}"[..]),
            (Media::Form, b"provider=%ff"),
            (Media::Form, b"provider=\xff"),
        ] {
            assert!(Given::read(&SIGN_IN, media, body).is_err());
        }
    }

    #[test]
    fn two_types_are_taken() {
        for (text, media) in [
            ("application/json", Some(Media::Json)),
            ("Application/JSON ; charset=utf-8", Some(Media::Json)),
            (
                "application/x-www-form-urlencoded;charset=UTF-8",
                Some(Media::Form),
            ),
            ("text/plain", None),
            ("text/plain; application/json", None),
            ("multipart/form-data; boundary=a", None),
            ("application/json, text/plain", None),
            ("application/jsonp", None),
            ("", None),
        ] {
            assert_eq!(Media::of(text.as_bytes()), media, "{text}");
        }
    }
}
