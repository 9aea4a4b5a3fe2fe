//! Where there is no inotify, files are looked at.

use std::{
    convert::Infallible,
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
};

use super::view::View;
use crate::machine::notices::Remark;

/// There is none.
pub(super) struct Inotify(Infallible);

impl Inotify {
    pub(super) fn new(_view: &View, _log: &mut dyn FnMut(Remark)) -> Option<Self> {
        None
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }

    pub(super) fn also(&mut self, _file: &Path, _log: &mut dyn FnMut(Remark)) {}

    pub(super) fn read(&mut self, _view: &View, _log: &mut dyn FnMut(Remark)) -> Option<PathBuf> {
        None
    }
}
