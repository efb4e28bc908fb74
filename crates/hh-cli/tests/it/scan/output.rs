//! The output for users and programs.

use hh_auth::Level;

use super::{POSSIBLE, commit, minted, with_repository};
use crate::support::TestEnv;

fn planted(env: &TestEnv) -> String {
    let key = minted(Level::Admin);
    env.write(
        "src/app one.py",
        format!("import os\nkey = '{key}'\nother = '{POSSIBLE}'\n"),
    );
    env.write("Dockerfile", "FROM scratch\nARG HH_API_KEY\n");
    key
}

fn seen(env: &TestEnv, key: &str, flags: &[&str]) -> String {
    let seen = env.seen(&[&["auth", "scan"], flags].concat());
    seen.replace(&key[3..8], "begin")
}

#[test]
fn lines_for_people() {
    let env = TestEnv::new();
    let key = planted(&env);
    insta::assert_snapshot!(seen(&env, &key, &[]), @"
    Dockerfile:2:5: possible key in a build argument
    src/app one.py:2:8: confirmed project key hh_begin***
    src/app one.py:3:10: possible project key hh_k7Qm2***
    ! note: treat a leaked key as compromised: create a new key with `honeyhive auth rotate` and revoke the old one
    ! note: values of ARG and ENV remain in the image: pass the key to a build with `RUN --mount=type=secret`, and to a container with HH_API_KEY_FILE
    ! note: to suppress a false positive, add `hh-scan: ignore` to the line or on its own to the line above, or list the file in .honeyhiveignore
    ! error: found 1 API key and 2 possible in 2 files
    exit 1
    ");
    insta::assert_snapshot!(seen(&env, &key, &["Dockerfile", "--quiet"]), @"
    Dockerfile:2:5: possible key in a build argument
    ! error: found 1 possible API key in 1 file
    exit 1
    ");
    let env = TestEnv::new();
    env.write("a", "nothing");
    insta::assert_snapshot!(env.seen(&["auth", "scan"]), @"
    ! No API keys found in 1 file
    exit 0
    ");
}

#[test]
fn the_commit_is_named() {
    let env = with_repository();
    let key = planted(&env);
    let id = commit(&env);
    let seen = seen(&env, &key, &["--history"]).replace(&id[..12], "[commit]");
    insta::assert_snapshot!(seen, @"
    Dockerfile:2:5: possible key in a build argument, commit [commit]
    src/app one.py:2:8: confirmed project key hh_begin***, commit [commit]
    src/app one.py:3:10: possible project key hh_k7Qm2***, commit [commit]
    ! note: treat a leaked key as compromised: create a new key with `honeyhive auth rotate` and revoke the old one; deleting it does not remove it from the history
    ! note: values of ARG and ENV remain in the image: pass the key to a build with `RUN --mount=type=secret`, and to a container with HH_API_KEY_FILE
    ! note: to suppress a false positive, add `hh-scan: ignore` to the line or on its own to the line above, or list the file in .honeyhiveignore
    ! error: found 1 API key and 2 possible in 2 files
    exit 1
    ");
    let report = env.json(&["auth", "scan", "--history"]);
    assert_eq!(report["findings"][0]["commit"], id.as_str());
}

#[test]
fn json_for_programs() {
    let env = TestEnv::new();
    let key = planted(&env);
    insta::assert_snapshot!(seen(&env, &key, &["--quiet", "--format", "json", "src"]), @r#"
    {
      "findings": [
        {
          "confidence": "confirmed",
          "kind": "project key",
          "key": "hh_begin***",
          "path": "src/app one.py",
          "line": 2,
          "column": 8,
          "encoding": null,
          "commit": null
        },
        {
          "confidence": "possible",
          "kind": "project key",
          "key": "hh_k7Qm2***",
          "path": "src/app one.py",
          "line": 3,
          "column": 10,
          "encoding": null,
          "commit": null
        }
      ],
      "omitted": 0,
      "files": 1,
      "errors": [],
      "notes": []
    }
    ! {"error":{"kind":"other","exit_code":1,"message":"found 1 API key and 1 possible in 1 file","hint":null}}
    exit 1
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "the SARIF report is long")]
fn sarif_for_code_scanning() {
    let env = TestEnv::new();
    let key = planted(&env);
    let version = env!("CARGO_PKG_VERSION");
    let seen = seen(&env, &key, &["--quiet", "--sarif"])
        .replace(&format!("\"{version}\""), "\"[version]\"");
    insta::assert_snapshot!(seen, @r#"
    {
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
      "runs": [
        {
          "columnKind": "unicodeCodePoints",
          "results": [
            {
              "level": "warning",
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "Dockerfile"
                    },
                    "region": {
                      "startColumn": 5,
                      "startLine": 2
                    }
                  }
                }
              ],
              "message": {
                "text": "possible key in a build argument"
              },
              "ruleId": "possible-honeyhive-api-key"
            },
            {
              "level": "error",
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "src/app%20one.py"
                    },
                    "region": {
                      "startColumn": 8,
                      "startLine": 2
                    }
                  }
                }
              ],
              "message": {
                "text": "confirmed project key hh_begin***"
              },
              "ruleId": "honeyhive-api-key"
            },
            {
              "level": "warning",
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "src/app%20one.py"
                    },
                    "region": {
                      "startColumn": 10,
                      "startLine": 3
                    }
                  }
                }
              ],
              "message": {
                "text": "possible project key hh_k7Qm2***"
              },
              "ruleId": "possible-honeyhive-api-key"
            }
          ],
          "tool": {
            "driver": {
              "name": "honeyhive auth scan",
              "rules": [
                {
                  "defaultConfiguration": {
                    "level": "error"
                  },
                  "help": {
                    "text": "Create a new key with `honeyhive auth rotate`, revoke the old key, and remove it from the file."
                  },
                  "id": "honeyhive-api-key",
                  "name": "HoneyHiveApiKey",
                  "shortDescription": {
                    "text": "A HoneyHive API key, confirmed by its checksum"
                  }
                },
                {
                  "defaultConfiguration": {
                    "level": "warning"
                  },
                  "help": {
                    "text": "Create a new key with `honeyhive auth rotate`, revoke the old key, and remove it from the file."
                  },
                  "id": "possible-honeyhive-api-key",
                  "name": "PossibleHoneyHiveApiKey",
                  "shortDescription": {
                    "text": "Text in the format of a HoneyHive API key"
                  }
                }
              ],
              "version": "[version]"
            }
          }
        }
      ],
      "version": "2.1.0"
    }
    ! error: found 1 API key and 2 possible in 2 files
    exit 1
    "#);
}
