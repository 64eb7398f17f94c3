//! Stories: what a user would recognise, one per file, each named as a sentence.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story fails by panicking"
)]

mod harness;

mod a_bounce_further_on_gives_no_link_away;
mod a_bounce_is_tracked_to_its_invitation;
mod a_check_names_every_fault_at_once;
mod a_colleague_is_invited_to_the_own_password;
mod a_hop_without_eight_bits;
mod a_link_expires_after_fourteen_days;
mod a_preview_invites_nobody;
mod a_proxy_says_for_whom_it_speaks;
mod a_receipt_that_was_asked_for_comes;
mod a_refused_recipient_is_reported_to_the_sender;
mod a_renewed_certificate_is_served_at_once;
mod a_restart_forgets_nothing;
mod a_slow_hop_does_not_hold_up_others;
mod a_withdrawn_invitation_is_over_at_once;
mod accounts_are_made_on_the_command_line;
mod activation_link_works_once;
mod all_forms_invite;
mod an_address_with_a_tag_invites;
mod an_administrator_changes_and_ends_accounts;
mod an_administrator_orders_the_queue;
mod an_administrator_sees_how_each_invitation_stands;
mod an_administrator_sees_how_the_gateway_stands;
mod an_administrator_tends_what_others_sent;
mod an_administrator_throws_switches;
mod an_expired_link_can_be_renewed;
mod an_invitation_reaches_three_people_each_with_its_own_link;
mod an_invitation_that_failed_is_told;
mod an_inviter_commands_by_mail;
mod an_inviter_follows_an_invitation_on_the_web;
mod an_inviter_gets_a_receipt;
mod bcc_stays_hidden;
mod connections_are_kept;
mod every_corpus_message_keeps_its_shape;
mod every_form_asks_for_its_hidden_field;
mod every_row_of_the_refusal_table;
mod floors_hold;
mod guests_of_somebody_who_has_left;
mod inviting_again_is_one_invitation;
mod limits_are_said_in_words;
mod limits_of_inviting_end_in_time;
mod looking_changes_nothing;
mod mail_is_signed;
mod mail_waits_for_a_hop_that_is_down;
mod mails_to_look_at;
mod no_open_relay;
mod nobody_sends_as_somebody_else;
mod null_sender_never_bounces;
mod ordinary_mail_arrives_byte_for_byte;
mod people_read_their_own_language;
mod refusals_are_said_at_once;
mod sign_in_after_activation;
mod smuggling_is_refused;
mod some_domains_have_a_way_of_their_own;
mod starttls_drops_what_came_before;
mod stop_finishes_what_is_running;
mod templates_change_without_restart;
mod the_harness_is_honest;
mod the_next_hop_must_prove_its_name;
mod wrong_password_tells_nothing;
