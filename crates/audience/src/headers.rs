//! The header fields of a request that say who made it.

/// Most octets looked at of one field; the rest of a longer one is passed over.
pub const MAX_HEADER_OCTETS: usize = 1024;

/// The header fields of a request that say who made it, as they came. One that is missing is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// User-Agent (RFC 9110 section 10.1.5).
    pub user_agent: Option<&'a [u8]>,
    /// From (RFC 9110 section 10.1.2), which robots send.
    pub from: Option<&'a [u8]>,
    /// Purpose, of Chromium and of older browsers.
    pub purpose: Option<&'a [u8]>,
    /// Sec-Purpose, of the Fetch standard.
    pub sec_purpose: Option<&'a [u8]>,
    /// X-Purpose, of Safari.
    pub x_purpose: Option<&'a [u8]>,
    /// X-Moz, of Firefox.
    pub x_moz: Option<&'a [u8]>,
}

impl<'a> Headers<'a> {
    /// Takes what `look_up` finds under the name of each field, in lower case.
    #[must_use]
    pub fn look_up(look_up: impl Fn(&str) -> Option<&'a [u8]>) -> Self {
        Self {
            user_agent: look_up("user-agent"),
            from: look_up("from"),
            purpose: look_up("purpose"),
            sec_purpose: look_up("sec-purpose"),
            x_purpose: look_up("x-purpose"),
            x_moz: look_up("x-moz"),
        }
    }

    /// Whether there is a User-Agent with anything in it.
    pub(crate) fn have_user_agent(&self) -> bool {
        self.user_agent
            .is_some_and(|text| !text.trim_ascii().is_empty())
    }

    /// What is in a field that rules look at.
    pub(crate) const fn get(&self, field: Field) -> Option<&'a [u8]> {
        match field {
            Field::UserAgent => self.user_agent,
            Field::From => self.from,
            Field::Purpose => self.purpose,
            Field::SecPurpose => self.sec_purpose,
            Field::XPurpose => self.x_purpose,
            Field::XMoz => self.x_moz,
        }
    }
}

/// A field that rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    UserAgent,
    From,
    Purpose,
    SecPurpose,
    XPurpose,
    XMoz,
}

impl Field {
    /// All but User-Agent, which nearly all rules are about, and which is looked at in another way.
    pub(crate) const OTHERS: [Self; 5] = [
        Self::From,
        Self::Purpose,
        Self::SecPurpose,
        Self::XPurpose,
        Self::XMoz,
    ];
}
