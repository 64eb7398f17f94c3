//! The engine: minijinja, set to be strict, bounded and silent about what is not there.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, context,
};
use serde::Serialize;

use crate::template::place::Place;

/// Steps one rendering may take, and with them the memory it may use (64 octets a step). The longest built-in page,
/// a full demo mailbox, takes about a tenth.
const STEPS_MAX: u64 = 1_000_000;

/// An empty engine with our rules.
pub(super) fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(STEPS_MAX));
    // It would print all a page knows into the page.
    engine.remove_global("debug");
    engine.set_auto_escape_callback(|name| if is_html(name) { AutoEscape::Html } else { AutoEscape::None });
    engine.set_formatter(write);
    // What a text extends, it extends in its own language.
    engine.set_path_join_callback(|name, parent| Place::beside(parent, name));
    // Block tags on lines of their own leave no empty lines in a mail.
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        engine.set_syntax(syntax);
    }
    engine
}

/// Fills in the template that stands in this place.
pub(super) fn render<C: Serialize>(
    engine: &Environment<'_>,
    place: Place,
    context: &C,
) -> Result<String, Error> {
    let names = context! { language => place.language.code(), ..Value::from(Serde(context)) };
    engine.get_template(&place.file())?.render(names)
}

/// What went wrong, in one line.
pub(super) fn words(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "it takes too long to render".to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    }
}

fn is_html(name: &str) -> bool {
    name.rsplit('.').next() == Some("html")
}

/// Writes a value: what is none leaves nothing, and HTML is escaped.
fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_none() || value.is_undefined() {
        return Ok(());
    }
    if value.is_safe() || !matches!(state.auto_escape(), AutoEscape::Html) {
        write!(out, "{value}").map_err(Error::from)
    } else {
        escape(out, &value.to_string())
    }
}

/// The five characters that end text or a quoted attribute. A slash is not among them (minijinja's own escaping
/// has it): the link must stand in the HTML of a mail as it is.
fn escape(out: &mut Output<'_>, text: &str) -> Result<(), Error> {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (plain, special) = rest.split_at(at);
        out.write_str(plain)?;
        let mut characters = special.chars();
        out.write_str(match characters.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            _ => "&#39;",
        })?;
        rest = characters.as_str();
    }
    out.write_str(rest)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn rendered(name: &'static str, text: &'static str, context: &Value) -> Result<String, Error> {
        let mut engine = engine();
        engine.add_template(name, text)?;
        engine.get_template(name)?.render(context)
    }

    #[test]
    fn html_is_escaped_and_text_is_not() {
        let value = context!(x => "<a href=\"/b\">'&'");
        assert_eq!(
            rendered("a.html", "{{ x }}", &value).unwrap(),
            "&lt;a href=&quot;/b&quot;&gt;&#39;&amp;&#39;"
        );
        assert_eq!(rendered("a.txt", "{{ x }}", &value).unwrap(), "<a href=\"/b\">'&'");
    }

    #[test]
    fn none_prints_nothing_and_undefined_is_a_fault() {
        assert_eq!(rendered("a.txt", "[{{ x }}]", &context!(x => None::<&str>)).unwrap(), "[]");
        assert!(rendered("a.txt", "{{ y }}", &context!(x => 1)).is_err());
        assert!(rendered("a.txt", "{% if y %}{% endif %}", &context!(x => 1)).is_err());
    }

    #[test]
    fn a_template_without_end_is_ended() {
        let endless = "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}";
        let error = rendered("a.txt", endless, &context!()).unwrap_err();
        assert_eq!(words(&error), "it takes too long to render");
    }
}
