//! Objects of JSON that are nothing else.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// A structure that is read from an object alone. What serde derives takes an array for one as well, its elements in the order in which the
/// fields happen to be declared. What can be borrowed from the input still is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Name<'a> {
        #[serde(borrow, default)]
        first: Cow<'a, str>,
    }

    #[track_caller]
    fn refused(json: &str, expected: &str) {
        let error = serde_json::from_str::<Object<Name<'_>>>(json).expect_err("refused");
        let message = error.to_string();
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn an_object_is_read_as_it_was_and_its_text_not_copied() {
        let json = r#"{"first":"Zoe"}"#;
        let Object(name) = serde_json::from_str::<Object<Name<'_>>>(json).expect("an object");
        assert!(matches!(name.first, Cow::Borrowed("Zoe")));
        assert!(serde_json::from_str::<Object<Name<'_>>>("{}").is_ok());
    }

    #[test]
    fn nothing_else_is_taken_for_one() {
        refused(r#"["Zoe"]"#, "invalid type: sequence, expected an object");
        refused("[]", "invalid type: sequence, expected an object");
        refused("null", "invalid type: null, expected an object");
        refused(
            "\"Zoe\"",
            "invalid type: string \"Zoe\", expected an object",
        );
        refused(r#"{"last":"Zoe"}"#, "unknown field `last`");
        refused(r#"{"first":"Zoe","first":"Zoe"}"#, "duplicate field");
        refused(r#"{"first":["Zoe"]}"#, "invalid type: sequence");
    }
}
