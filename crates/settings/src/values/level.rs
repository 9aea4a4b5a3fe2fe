//! How much the error log says.

use super::choices::choices;

choices! {
    /// The least severe kind of record that is logged, in Python's names.
    #[derive(PartialOrd, Ord)]
    Level {
        /// Everything.
        Debug = "debug",
        /// What an operator wants to know of a healthy server.
        Info = "info",
        /// What may need a look.
        Warning = "warning" also "warn",
        /// What went wrong.
        Error = "error",
        /// Only what ends a worker or the server.
        Critical = "critical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Newtype as _;

    #[test]
    fn every_choice_is_read_and_written() {
        for choice in Level::CHOICES {
            assert_eq!(choice.parse::<Level>().unwrap().to_string(), *choice);
            assert!(choice.to_uppercase().parse::<Level>().is_ok());
        }
        assert_eq!("warn".parse(), Ok(Level::Warning));
        let error = "trace".parse::<Level>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is none of the choices (choose `debug`, `info`, `warning`, `error` or `critical`)"
        );
    }

    #[test]
    fn levels_are_ordered_by_severity() {
        assert!(Level::Debug < Level::Info && Level::Error < Level::Critical);
    }
}
