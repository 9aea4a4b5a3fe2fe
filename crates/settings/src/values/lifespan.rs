//! Whether an ASGI application is told of start-up and shutdown.

use super::choices::choices;

choices! {
    /// The ASGI lifespan protocol: used, not used, or used where the application knows it.
    LifespanMode {
        /// Try; an application that does not know the protocol is served without it.
        Auto = "auto",
        /// Use it; an application that fails in it does not boot.
        On = "on",
        /// Do not use it.
        Off = "off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Newtype as _;

    #[test]
    fn every_choice_is_read_and_written() {
        for choice in LifespanMode::CHOICES {
            assert_eq!(choice.parse::<LifespanMode>().unwrap().to_string(), *choice);
        }
        let error = "yes".parse::<LifespanMode>().unwrap_err();
        assert_eq!(error.to_string(), "it is none of the choices (choose `auto`, `on` or `off`)");
    }
}
