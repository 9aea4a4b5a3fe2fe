//! What the master asks of a worker, as one byte on the worker's command pipe.

/// A request from the master (or from an operator's signal) to one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Command {
    /// Stop accepting, finish what was accepted, then leave.
    StopGracefully = b'T',
    /// Leave at once; requests in flight are abandoned.
    StopQuickly = b'Q',
    /// Open the log files again by their names.
    ReopenLogs = b'R',
}

impl Command {
    /// The command that a byte of the pipe stands for.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::StopGracefully, Self::StopQuickly, Self::ReopenLogs]
            .into_iter()
            .find(|command| *command as u8 == byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_survives_the_pipe() {
        for command in [Command::StopGracefully, Command::StopQuickly, Command::ReopenLogs] {
            assert_eq!(Command::from_byte(command as u8), Some(command));
        }
        assert_eq!(Command::from_byte(0), None);
    }
}
