//! Which event loop an ASGI worker runs.

use super::choices::choices;

choices! {
    /// The event loop of ASGI workers.
    EventLoop {
        /// uvloop where it is installed, else asyncio.
        Auto = "auto",
        /// The standard library's.
        Asyncio = "asyncio",
        /// uvloop; a worker refuses to boot without it.
        Uvloop = "uvloop",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Newtype as _;

    #[test]
    fn every_choice_is_read_and_written() {
        for choice in EventLoop::CHOICES {
            assert_eq!(choice.parse::<EventLoop>().unwrap().to_string(), *choice);
        }
        let error = "trio".parse::<EventLoop>().unwrap_err();
        assert_eq!(error.to_string(), "it is none of the choices (choose `auto`, `asyncio` or `uvloop`)");
    }
}
