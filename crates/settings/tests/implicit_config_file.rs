//! The file that is read without being named. One test to a program, because it changes the working directory.

use std::{collections::BTreeMap, fs};

use rgunicorn_settings::{
    ConfigFiles, ConfigLocation, Origin, Parsed, Value, from_command_line, from_values,
};

/// Remembers what is read.
#[derive(Default)]
struct Reads(Vec<String>);

impl ConfigFiles for Reads {
    fn read(&mut self, location: &ConfigLocation) -> Result<Vec<(String, Value)>, String> {
        self.0.push(location.to_string());
        Ok(Vec::new())
    }
}

fn read(files: &mut Reads, args: &[&str]) -> Option<ConfigLocation> {
    let args = args.iter().map(Into::into).collect();
    let env = BTreeMap::<String, String>::new();
    let Ok(Parsed::Run(settings)) = from_command_line("rgunicorn", args, &env, files) else {
        panic!("no settings")
    };
    let unnamed = settings.origin("config") == Some(&Origin::Default);
    settings.config_file.config.filter(|_| unnamed)
}

#[test]
fn a_file_with_one_of_the_usual_names_is_read_from_the_working_directory() {
    let directory = tempfile::tempdir().unwrap();
    std::env::set_current_dir(directory.path()).unwrap();
    let directory = std::env::current_dir().unwrap();
    let mut files = Reads::default();

    assert_eq!(read(&mut files, &["app"]), None);
    fs::create_dir("gunicorn.conf.py").unwrap();
    assert_eq!(read(&mut files, &["app"]), None, "a directory is no file");
    fs::remove_dir("gunicorn.conf.py").unwrap();

    fs::write("gunicorn.conf.py", "").unwrap();
    assert_eq!(read(&mut files, &["app"]), Some(ConfigLocation::File(directory.join("gunicorn.conf.py"))));
    fs::write("rgunicorn.conf.py", "").unwrap();
    assert_eq!(read(&mut files, &["app"]), Some(ConfigLocation::File(directory.join("rgunicorn.conf.py"))));
    assert_eq!(read(&mut files, &["app", "-c", "python:site"]), None);
    assert_eq!(files.0, ["gunicorn.conf.py", "rgunicorn.conf.py", "python:site"]);

    from_values(&[], &BTreeMap::<String, String>::new(), &mut files).unwrap();
    assert_eq!(files.0.len(), 3, "a program that embeds the server names its file");
}
