//! The man page.

use crate::table::{self, Row};

/// The page `rgunicorn(1)`, in roff.
#[must_use]
pub fn man_page() -> String {
    let mut page = format!(".TH RGUNICORN 1 \"\" \"rgunicorn {}\"\n", env!("CARGO_PKG_VERSION"));
    page.push_str(".SH NAME\nrgunicorn \\- serve a Python web application\n");
    page.push_str(".SH SYNOPSIS\n.B rgunicorn\n[\\fIOPTIONS\\fR] \\fIAPP_MODULE\\fR\n");
    page.push_str(".SH DESCRIPTION\n");
    page.push_str("A master process supervises workers that serve a WSGI or ASGI application over HTTP.\n");
    page.push_str("An option wins over its environment variable, that over the config file, and that over the default.\n");
    for section in table::SECTIONS {
        page.push_str(&format!(".SH {}\n", section.title.to_uppercase()));
        for row in section.rows {
            page.push_str(&row_roff(row));
        }
    }
    page.push_str(EXIT_STATUS);
    page
}

const EXIT_STATUS: &str = "\
.SH EXIT STATUS
.TP
.B 0
The server was stopped, or a check succeeded.
.TP
.B 1
A setting, an address or a file cannot be used, or a check failed.
.TP
.B 2
The command line cannot be understood.
.TP
.B 3
A worker failed to boot.
.TP
.B 4
The application cannot be found.
";

fn row_roff(row: &Row) -> String {
    let names = if row.flags.is_empty() {
        format!("\\fI{}\\fR", escaped(row.spelling().unwrap_or(row.key)))
    } else {
        let option = |flag: &&str| {
            let operand = row.operand(flag);
            let (brackets, metavar) = (operand.contains('['), operand.trim_matches([' ', '[', ']']));
            let value = match (metavar, brackets) {
                ("", _) => String::new(),
                (_, true) => format!(" [\\fI{metavar}\\fR]"),
                (_, false) => format!(" \\fI{metavar}\\fR"),
            };
            format!("\\fB{}\\fR{value}", escaped(flag))
        };
        row.flags.iter().map(option).collect::<Vec<_>>().join(", ")
    };
    let mut text = format!(".TP\n{names}\n");
    for (index, paragraph) in row.paragraphs().enumerate() {
        let separator = if index == 0 { "" } else { ".IP\n" };
        text.push_str(&format!("{separator}{}\n", line(&paragraph)));
    }
    let variables: Vec<_> = row.variables().collect();
    text.push_str(&format!(".IP\nEnvironment: {}.", variables.join(", ")));
    if !row.default.is_empty() {
        text.push_str(&format!(" Default: {}.", escaped(row.default)));
    }
    text + "\n"
}

/// A line of text: one that starts with a dot or a quote would be a command.
fn line(text: &str) -> String {
    let text = escaped(&text.replace('`', ""));
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roff_does_not_take_text_for_commands() {
        assert_eq!(line(".so `x`"), "\\&.so x");
        assert_eq!(escaped("a-b\\c"), "a\\-b\\ec");
    }

    #[test]
    fn every_option_is_there() {
        let page = man_page();
        for flag in table::rows().flat_map(|row| row.flags) {
            assert!(page.contains(&escaped(flag)), "{flag}");
        }
    }
}
