//! Who asks, as Docker knows it: `config.json`, which `docker login` writes, and the programs that it names.
//!
//! Nothing of it is kept or shown; a helper's words are not either, for it may answer with what it should keep.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, io};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};

use super::RegistryError;

/// How long a credential helper may take: it asks a keychain, or a server of its own.
const PATIENCE: Duration = Duration::from_secs(60);

/// What Docker's config has for a registry. Nobody has logged in if it has nothing.
///
/// # Errors
///
/// [`RegistryError::Credentials`] if it has something that does not work.
pub(super) async fn find(server: &str) -> Result<Option<DockerCredential>, RegistryError> {
    let Some(config) = config() else {
        return Ok(None);
    };
    let server = server.to_owned();
    let shown = config.display().to_string();
    let reading = tokio::task::spawn_blocking(move || read(&config, &server));
    let read = tokio::time::timeout(PATIENCE, reading).await;
    let late = || format!("the credential helper of {shown} has not answered in time");
    let read = read.map_err(|_| RegistryError::Credentials(late()))?;
    read.map_err(|panic| RegistryError::Credentials(panic.to_string()))?
}

/// Where Docker's config is, or would be.
fn config() -> Option<PathBuf> {
    let set = env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty());
    let own = || Some(env::home_dir()?.join(".docker"));
    let folder = set.map(PathBuf::from).or_else(own)?;
    Some(folder.join("config.json"))
}

fn read(config: &Path, server: &str) -> Result<Option<DockerCredential>, RegistryError> {
    let fault = |what: &str| {
        let path = config.display();
        let text = format!("{what}\n  --> {path}\n\nhint: `docker login {server}` writes it anew");
        Err(RegistryError::Credentials(text))
    };
    let file = match File::open(config) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return fault(&format!("Docker's config cannot be read: {error}")),
    };
    match get_credential_from_reader(io::BufReader::new(file), server) {
        Ok(credential) => Ok(Some(credential)),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        Err(CredentialRetrievalError::HelperFailure { stdout, .. }) if is_nothing(&stdout) => {
            Ok(None)
        }
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => fault(&format!(
            "`{helper}` has no credentials for {server}, and fails"
        )),
        Err(
            CredentialRetrievalError::HelperCommunicationError
            | CredentialRetrievalError::MalformedHelperResponse,
        ) => fault("the credential helper that it names cannot be asked"),
        Err(_) => fault("Docker's config makes no sense"),
    }
}

/// What every helper says that knows nothing, as the protocol has it.
fn is_nothing(said: &str) -> bool {
    said.contains("credentials not found in native keychain")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_found_by_its_registry() {
        let auth = "bWU6c2VjcmV0OndvcmQ="; // me:secret:word
        let config = format!("{{\"auths\":{{\"a.example:5000\":{{\"auth\":\"{auth}\"}}}}}}");
        check(&config, "a.example:5000", "me secret:word");
        check(&config, "a.example", "nobody");
        check("{}", "a.example", "nobody");
        check("{\"auths\":{\"a.example\":{}}}", "a.example", "nobody");
    }

    #[test]
    fn what_does_not_work_is_told_without_a_secret() {
        check("{", "a.example", "Docker's config makes no sense");
        let wrong = "{\"auths\":{\"a.example\":{\"auth\":\"c2VjcmV0\"}}}"; // no colon
        check(wrong, "a.example", "Docker's config makes no sense");
        let helper = "{\"credHelpers\":{\"a.example\":\"none-such\"}}";
        check(helper, "a.example", "the credential helper that it names");
        check(helper, "b.example", "nobody");
    }

    #[test]
    fn no_config_is_no_login() {
        let folder = tempfile::tempdir().unwrap();
        let found = read(&folder.path().join("config.json"), "a.example").unwrap();
        assert!(found.is_none());
    }

    #[track_caller]
    fn check(config: &str, server: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config).unwrap();
        let found = match read(&path, server) {
            Ok(None) => "nobody".to_owned(),
            Ok(Some(DockerCredential::UsernamePassword(name, word))) => format!("{name} {word}"),
            Ok(Some(DockerCredential::IdentityToken(token))) => token,
            Err(error) => error.to_string(),
        };
        assert!(found.starts_with(expected), "{found}");
        assert!(!found.contains("c2VjcmV0"), "{found}");
    }
}
