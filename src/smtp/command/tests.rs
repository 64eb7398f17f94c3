use proptest::prelude::*;

use super::*;

fn parse(line: &str) -> Result<Command, CommandFault> {
    Command::parse(line.as_bytes())
}

fn code(line: &str) -> u16 {
    parse(line).unwrap_err().reply().code
}

#[test]
fn every_command_is_read_and_printed_again() {
    for line in [
        "EHLO client.corp.example",
        "EHLO [192.0.2.1]",
        "EHLO [IPv6:2001:db8::1]",
        "HELO my_pc",
        "MAIL FROM:<>",
        "MAIL FROM:<ann@corp.example> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+3Db",
        "RCPT TO:<kim@partner.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;kim@partner.example",
        "RCPT TO:<postmaster>",
        "RCPT TO:<\"quoted local\"@partner.example>",
        "RCPT TO:<\"a>b\"@partner.example> NOTIFY=NEVER",
        "DATA",
        "BDAT 1000",
        "BDAT 0 LAST",
        "RSET",
        "NOOP",
        "QUIT",
        "HELP",
        "VRFY Ann",
        "EXPN staff",
        "STARTTLS",
        "AUTH PLAIN",
        "AUTH PLAIN =",
        "AUTH LOGIN YW5u",
    ] {
        assert_eq!(parse(line).unwrap().to_string(), line);
    }
}

#[test]
fn case_and_white_space_at_the_end_do_not_matter() {
    assert_eq!(parse("quit \t").unwrap(), Command::Quit);
    assert_eq!(
        parse("mail from: <ann@corp.example>").unwrap(),
        parse("MAIL FROM:<ann@corp.example>").unwrap()
    );
}

#[test]
fn a_source_route_is_dropped() {
    let command = parse("RCPT TO:<@a.example,@b.example:kim@partner.example>").unwrap();
    assert_eq!(command.to_string(), "RCPT TO:<kim@partner.example>");
    assert_eq!(code("RCPT TO:<@a.example,b.example:kim@partner.example>"), 550);
}

#[test]
fn what_is_not_a_command_gets_its_own_code() {
    for (line, expected) in [
        ("", 500),
        ("BLAH", 500),
        ("EHLO\tx", 500),
        ("RCPT TO:<k\rim@partner.example>", 500),
        ("NO\0OP", 500),
        ("EHLO", 501),
        ("EHLO a b", 501),
        ("EHLO a(b)", 501),
        ("MAIL", 501),
        ("MAIL FROM:ann@corp.example", 501),
        ("MAIL FROM:<ann@corp.example", 501),
        ("MAIL FROM:<ann@corp.example>SIZE=1", 501),
        ("MAIL TO:<ann@corp.example>", 501),
        ("MAIL FROM:<ann@corp.example> SIZE=99999999999999999999999", 501),
        ("MAIL FROM:<ann@corp.example> SIZE=", 501),
        ("MAIL FROM:<ann@corp.example> SIZE=1 SIZE=1", 501),
        ("MAIL FROM:<ann@corp.example> XYZ=1", 555),
        ("MAIL FROM:<ann@>", 553),
        ("RCPT TO:<kim@>", 550),
        ("RCPT TO:<>", 550),
        ("RCPT TO:<kim@[192.0.2.1]>", 550),
        ("RCPT TO:<kim@partner.example> SIZE=1", 555),
        ("DATA x", 501),
        ("STARTTLS x", 501),
        ("BDAT 99999999999999999999999", 501),
        ("BDAT +1", 501),
        ("BDAT 1 FIRST", 501),
        ("AUTH", 501),
        ("AUTH PLAIN a b", 501),
        ("VRFY", 501),
        ("ETRN x", 502),
    ] {
        assert_eq!(code(line), expected, "{line:?}");
    }
    assert_eq!(Command::parse(b"NOOP \xff").unwrap_err(), CommandFault::Characters);
}

#[test]
fn a_secret_is_not_in_the_debug_form() {
    assert!(!format!("{:?}", parse("AUTH PLAIN c2VjcmV0").unwrap()).contains("c2VjcmV0"));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(line in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Command::parse(&line);
    }

    #[test]
    fn what_is_read_is_printed_so_that_it_is_read_again(line in "(MAIL FROM:|RCPT TO:)<[ -~é]{0,20}@[a-z.]{0,9}>( [A-Z]{1,5}=[!-~]{0,9})?") {
        if let Ok(command) = parse(&line) {
            prop_assert_eq!(parse(&command.to_string()).unwrap(), command);
        }
    }

    #[test]
    fn the_neighbours_parser_reads_the_same_addresses(local in "[a-z0-9]{1,9}", domain in "[a-z]{1,9}\\.[a-z]{2,5}", size in any::<u32>()) {
        let line = format!("MAIL FROM:<{local}@{domain}> SIZE={size}\r\n");
        let theirs = smtp_proto::Request::parse(&mut line.as_bytes().iter()).unwrap();
        let Command::Mail(ReversePath::Address(ours), parameters) = parse(line.trim_end()).unwrap() else {
            panic!("not MAIL");
        };
        match theirs {
            smtp_proto::Request::Mail { from } => {
                prop_assert_eq!(from.address, ours.to_string());
                prop_assert_eq!(from.size as u64, parameters.size.unwrap());
            }
            other => panic!("{other:?}"),
        }
    }
}
