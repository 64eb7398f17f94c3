//! What can be done to an account: a closed list.

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A form was filled in, and the address is to be verified.
    Applied,
    /// A new password was asked for by mail.
    PasswordForgotten,
    /// It has another password.
    PasswordChanged,
    /// It has another display name.
    Renamed,
    /// Mails and pages for its person are in another language.
    LanguageChosen,
    /// All its sessions were ended, but perhaps one.
    SessionsEnded,
    /// Its person signed out at an identity provider, and the session here that went back to it has ended.
    SignedOutThere,
    /// Its person may do something more or less than before.
    RightsChanged,
    /// Signing in is refused from now on.
    Locked,
    /// Signing in is possible again.
    Unlocked,
    /// Its person was told that it will end.
    EndAnnounced,
    /// One of the people who had invited the guest no longer answers for the account.
    LetGo,
    /// Its person is gone, and has left guests behind.
    SponsorGone,
    /// Somebody answers for the guests whom its person has left behind.
    TakenOver,
    /// Somebody else answers for the guest now.
    HandedOver,
    /// It is gone.
    Removed,
}

impl Deed {
    /// As the journal has it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Applied => "account applied for",
            Self::PasswordForgotten => "new password asked for",
            Self::PasswordChanged => "password changed",
            Self::Renamed => "renamed",
            Self::LanguageChosen => "language chosen",
            Self::SessionsEnded => "sessions ended",
            Self::SignedOutThere => "signed out at the provider",
            Self::RightsChanged => "rights changed",
            Self::Locked => "account locked",
            Self::Unlocked => "account unlocked",
            Self::EndAnnounced => "end of account announced",
            Self::LetGo => "sponsor let go",
            Self::SponsorGone => "sponsor gone",
            Self::TakenOver => "guests taken over",
            Self::HandedOver => "guest handed over",
            Self::Removed => "account removed",
        }
    }
}
