//! In which order a reload replaces the workers.

use super::choices::choices;

choices! {
    /// How the new generation takes over.
    ReloadStrategy {
        /// All new workers become ready before the first old one leaves.
        All = "all",
        /// One new worker becomes ready before one old one leaves, and so on.
        Rolling = "rolling",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_else_is_refused() {
        assert_eq!("Rolling".parse(), Ok(ReloadStrategy::Rolling));
        let error = "slow".parse::<ReloadStrategy>().unwrap_err();
        assert_eq!(error.to_string(), "it is none of the choices (choose `all` or `rolling`)");
    }
}
