//! Rules that hold for every input, tried with many.

use message::{ContentId, FieldName};
use message::{DisplayName, FieldBody, FileName, MediaType, MessageId, Subject};
use proptest::prelude::*;

use crate::round_trip::{check_body, check_file_name, check_name, check_subject};

proptest! {
    #[test]
    fn subjects_come_back(subject in "[ -~]{0,200}|[ a-cä語🎉=?]{0,200}|\\PC{0,100}") {
        check_subject(&subject);
    }

    #[test]
    fn names_come_back(name in "[!-~][ -~]{0,100}[!-~]|[a-cä語🎉=?,\"]{1,200}|[a語][ a-cä語🎉=?\"]{0,100}[a語]") {
        check_name(&name);
    }

    #[test]
    fn file_names_come_back(name in "[!-.0-\\[\\]-~]{1,200}|[a-cä語🎉=?'%*\"]{1,60}") {
        check_file_name(&name);
    }

    #[test]
    fn bodies_come_back(body in "[ -~\r\n\t]{0,400}|[ .Fromä語=\r\n]{0,400}|(From |\\.|x{70,80}| |\r|\n|é){0,60}|\\PC{0,300}") {
        check_body(&body);
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in any::<String>()) {
        let _ = (DisplayName::parse(&text), FieldBody::parse(&text), FieldName::parse(&text), Subject::parse(&text));
        let _ = (FileName::parse(&text), ContentId::parse(&text), MessageId::parse(&text), MediaType::parse(&text));
    }

    #[test]
    fn media_types_are_printed_as_they_are_parsed(text in "[a-c]{1,3}/[a-c]{1,3}(; ?[a-z]=([a-z]{1,3}|\"([ !#-\\[\\]-~]|\\\\[ -~]){0,5}\"))?;?") {
        let media_type = MediaType::parse(&text).unwrap();
        prop_assert_eq!(MediaType::parse(&media_type.to_string()).unwrap(), media_type);
    }

    #[test]
    fn nothing_checked_holds_a_line_break(text in "[a ]{0,3}[\r\n\0][a ]{0,3}") {
        prop_assert!(DisplayName::parse(&text).is_err());
        prop_assert!(FieldBody::parse(&text).is_err());
        prop_assert!(FieldName::parse(&text).is_err());
        prop_assert!(Subject::parse(&text).is_err());
        prop_assert!(FileName::parse(&text).is_err());
        prop_assert!(ContentId::parse(&text).is_err());
        let message_id = format!("<{text}@b>");
        prop_assert!(MessageId::parse(&message_id).is_err());
        let media_type = format!("text/plain; a=\"{text}\"");
        prop_assert!(MediaType::parse(&media_type).is_err());
    }
}
