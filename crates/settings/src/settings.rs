//! [`Settings`]: everything that was configured, one group a consumer.

use crate::{
    error::SettingsError,
    sources::{Merged, Origin, Value},
    table::{
        Application, Asgi, ConfigFile, Debugging, Files, Limits, Logging, Network, Process, Protocol,
        Proxies, Reloading, SECTIONS, Workers,
    },
};

/// All settings, typed and checked, and where each came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What is served.
    pub application: Application,
    /// The configuration file.
    pub config_file: ConfigFile,
    /// Where connections come from.
    pub network: Network,
    /// The worker processes.
    pub workers: Workers,
    /// HTTP.
    pub protocol: Protocol,
    /// How much of a request is taken, and which slips are.
    pub limits: Limits,
    /// What is believed of proxies.
    pub proxies: Proxies,
    /// Files that are served without the application.
    pub files: Files,
    /// What only ASGI applications notice.
    pub asgi: Asgi,
    /// The two logs.
    pub logging: Logging,
    /// The master process.
    pub process: Process,
    /// Reloading by itself, for development.
    pub reloading: Reloading,
    /// Looking without serving.
    pub debugging: Debugging,
    origins: Vec<(&'static str, Origin)>,
    advice: Vec<String>,
}

impl Settings {
    /// The typed settings of what the sources gave.
    pub(crate) fn resolve(merged: &Merged) -> Result<Self, SettingsError> {
        Ok(Self {
            application: Application::resolve(merged)?,
            config_file: ConfigFile::resolve(merged)?,
            network: Network::resolve(merged)?,
            workers: Workers::resolve(merged)?,
            protocol: Protocol::resolve(merged)?,
            limits: Limits::resolve(merged)?,
            proxies: Proxies::resolve(merged)?,
            files: Files::resolve(merged)?,
            asgi: Asgi::resolve(merged)?,
            logging: Logging::resolve(merged)?,
            process: Process::resolve(merged)?,
            reloading: Reloading::resolve(merged)?,
            debugging: Debugging::resolve(merged)?,
            origins: merged.origins(),
            advice: Vec::new(),
        })
    }

    /// Where the setting with this config key comes from; `None` for a key that there is not.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.origins.iter().find(|(known, _)| *known == key).map(|(_, origin)| origin)
    }

    /// What the operator should know before the server starts: a sentence for each setting that was given in vain.
    #[must_use]
    pub fn advice(&self) -> &[String] {
        &self.advice
    }

    pub(crate) fn advise(&mut self, advice: Vec<String>) {
        self.advice = advice;
    }

    /// Every config key with its value in Python's notation, sorted by key.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        let mut entries: Vec<_> = self.rows().map(|(key, (shown, _))| (key, shown)).collect();
        entries.sort_unstable();
        entries
    }

    /// Every config key with its value as Python has it.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, Value)> {
        self.rows().map(|(key, (_, value))| (key, value))
    }

    fn rows(&self) -> impl Iterator<Item = (&'static str, (String, Value))> {
        let values = [
            self.application.show(),
            self.config_file.show(),
            self.network.show(),
            self.workers.show(),
            self.protocol.show(),
            self.limits.show(),
            self.proxies.show(),
            self.files.show(),
            self.asgi.show(),
            self.logging.show(),
            self.process.show(),
            self.reloading.show(),
            self.debugging.show(),
        ];
        let rows = SECTIONS.into_iter().flat_map(|section| section.rows);
        rows.map(|row| row.key).zip(values.into_iter().flatten())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::resolve(&Merged::defaults()).expect("a test reads every default")
    }
}
