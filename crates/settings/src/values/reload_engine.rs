//! How changes of the code are noticed.

use super::choices::choices;

choices! {
    /// What watches files for `--reload`.
    ReloadEngine {
        /// The best that there is.
        Auto = "auto",
        /// Linux's inotify.
        Inotify = "inotify",
        /// The times of all files, once a second.
        Poll = "poll",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_gunicorns() {
        assert_eq!("poll".parse(), Ok(ReloadEngine::Poll));
        let error = "watchfiles".parse::<ReloadEngine>().unwrap_err();
        assert_eq!(error.to_string(), "it is none of the choices (choose `auto`, `inotify` or `poll`)");
    }
}
