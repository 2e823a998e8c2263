//! The environment of an interpreter: whoever could write in it would run as the server's user.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use doorward::ErrorKind;
use doorward::plugin::{Isolation, Kinds, PluginSettings, PoolSettings, PythonClass, Sandbox};

use crate::build;
use crate::context::services;
use crate::outlaws::Host;

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// What loading a class says with this interpreter.
fn loaded(host: &Host, interpreter: &Path) -> String {
    let settings = PluginSettings {
        isolation: Some(Isolation {
            python: Some(PythonClass {
                class: "kinds:Word".into(),
                folder: None,
            }),
            host: host.0.clone(),
            sandbox: Sandbox::Off,
            needs_landlock: false,
            workers: 1,
        }),
        ..build::settings(interpreter)
    };
    let error = Kinds::load(&[settings], &[], services().0, PoolSettings::of(1))
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::PluginRefused, "{error}");
    error.message().to_owned()
}

#[test]
fn an_environment_that_others_may_change_is_refused_with_the_command() {
    let host = Host::new();
    let environment = build::folder().join("environment");
    let packages = environment.join("lib/python3/site-packages");
    let (interpreter, module) = (environment.join("bin/python"), packages.join("sitecustomize.py"));
    for folder in [&environment.join("bin"), &packages] {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::write(environment.join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
    std::fs::write(&module, "").unwrap();
    std::fs::write(&interpreter, "#!/bin/sh\necho 'it was run' >&2\nexit 1\n").unwrap();
    mode(&interpreter, 0o755);
    for folder in module
        .ancestors()
        .skip(1)
        .take_while(|folder| *folder != environment.parent().unwrap())
    {
        mode(folder, 0o755);
    }
    // As it should be: it gets as far as the interpreter does.
    assert!(loaded(&host, &interpreter).contains("it was run"));
    for (path, open, shut) in [
        (&module, 0o664, 0o644),
        (&packages, 0o777, 0o755),
        (&environment, 0o775, 0o755),
        (&environment.join("pyvenv.cfg"), 0o646, 0o644),
    ] {
        mode(path, open);
        let said = loaded(&host, &interpreter);
        assert!(said.contains(&format!("chmod go-w {}", path.display())), "{said}");
        assert!(
            said.contains("it is of the environment") || path == &environment,
            "{said}"
        );
        mode(path, shut);
    }
    // Without the file it is no environment: what lies around a program is nobody's business.
    mode(&module, 0o664);
    std::fs::remove_file(environment.join("pyvenv.cfg")).unwrap();
    assert!(loaded(&host, &interpreter).contains("it was run"));
}
