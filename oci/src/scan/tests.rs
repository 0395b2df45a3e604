use std::path::Path;

use super::{Report, ReportError, Severity, run};

/// A report in the form that Trivy 0.69 writes, shortened to what differs between findings.
fn report(findings: &[(&str, &str, &str, &str)]) -> String {
    let finding = |(id, severity, fixed, status): &(&str, &str, &str, &str)| {
        let fixed = if fixed.is_empty() { String::new() } else { format!(r#""FixedVersion": "{fixed}","#) };
        format!(
            r#"{{"VulnerabilityID": "{id}", "PkgID": "libx1@1.0-1", "PkgName": "libx1",
                "PkgIdentifier": {{"PURL": "pkg:deb/debian/libx1@1.0-1"}},
                "InstalledVersion": "1.0-1", {fixed} "Status": "{status}", "Severity": "{severity}",
                "Title": "x", "CVSS": {{"nvd": {{"V3Score": 7.8}}}}, "References": ["https://example.org"]}}"#
        )
    };
    let findings: Vec<_> = findings.iter().map(finding).collect();
    format!(
        r#"{{"SchemaVersion": 2, "Trivy": {{"Version": "0.69.3"}}, "ArtifactName": "image.tar",
            "ArtifactType": "container_image",
            "Metadata": {{"OS": {{"Family": "debian", "Name": "12.11"}}, "ImageID": "sha256:0"}},
            "Results": [
              {{"Target": "image.tar (debian 12.11)", "Class": "os-pkgs", "Type": "debian",
                "Vulnerabilities": [{}]}},
              {{"Target": "Packages", "Class": "lang-pkgs", "Type": "x"}}]}}"#,
        findings.join(",")
    )
}

fn ids(findings: &[&super::Finding]) -> Vec<String> {
    findings.iter().map(|finding| finding.id.clone()).collect()
}

#[test]
fn what_fails() {
    let text = report(&[
        ("L", "LOW", "1.1", "fixed"),
        ("M", "MEDIUM", "1.1", "fixed"),
        ("H", "HIGH", "1.1", "fixed"),
        ("C", "CRITICAL", "1.1", "fixed"),
        ("h", "HIGH", "", "affected"),
        ("c", "CRITICAL", "", "will_not_fix"),
        ("h", "HIGH", "", "affected"),
    ]);
    let report = Report::parse(text.as_bytes()).unwrap();
    let counts: Vec<_> = report.counts().into_values().collect();
    assert_eq!(counts, [1, 1, 2, 2, 0]);
    let verdict = report.verdict(true);
    assert_eq!(
        (ids(&verdict.failing), ids(&verdict.unfixed)),
        (vec!["C".into(), "H".into()], vec!["c".into(), "h".into()])
    );
    let all = report.verdict(false);
    assert_eq!((all.failing.len(), all.unfixed.len()), (4, 0));
    assert_eq!(verdict.failing[1].to_string(), "HIGH      H  libx1  1.0-1 → 1.1");
    assert_eq!(verdict.unfixed[1].to_string(), "HIGH      h  libx1  1.0-1 → no fix");
}

#[test]
fn an_unknown_severity_is_the_worst() {
    for severity in ["UNKNOWN", "", "high", "APOCALYPTIC"] {
        let text = report(&[("CVE-1", severity, "1.1", "fixed"), ("CVE-2", "CRITICAL", "1.1", "fixed")]);
        let report = Report::parse(text.as_bytes()).unwrap();
        assert_eq!(ids(&report.verdict(true).failing), ["CVE-1", "CVE-2"], "{severity:?}");
        assert_eq!(report.counts()[&Severity::Unknown], 1);
    }
    let none = r#"{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"x","FixedVersion":"2"}]}]}"#;
    assert_eq!(Report::parse(none.as_bytes()).unwrap().verdict(true).failing.len(), 1);
}

#[test]
fn a_fix_without_a_version_is_one() {
    let text = report(&[("CVE-1", "HIGH", "", "fixed")]);
    assert_eq!(Report::parse(text.as_bytes()).unwrap().verdict(true).failing.len(), 1);
}

#[test]
fn clean_images() {
    for text in [
        report(&[]),
        r#"{"SchemaVersion":2,"Metadata":{"OS":{"Family":"debian"}}}"#.to_owned(),
        r#"{"SchemaVersion":2,"Metadata":null,"Results":[{"Target":"x","Vulnerabilities":null}]}"#.to_owned(),
    ] {
        let report = Report::parse(text.as_bytes()).unwrap();
        assert!(report.findings.is_empty() && report.verdict(false).failing.is_empty());
    }
    let old = r#"{"SchemaVersion":2,"Metadata":{"OS":{"Family":"debian","Name":"9","EOSL":true}}}"#;
    assert!(Report::parse(old.as_bytes()).unwrap().os.unwrap().ended);
}

/// A report of which any part is missing must never read as one without findings.
#[test]
fn what_is_no_report() {
    let whole = report(&[("CVE-1", "HIGH", "1.1", "fixed")]);
    for end in 0..whole.len() {
        assert!(matches!(Report::parse(&whole.as_bytes()[..end]), Err(ReportError::NotAReport(_))), "{end}");
    }
    let twice = format!("{whole}{whole}");
    for text in [
        "",
        "null",
        "[]",
        "{}",
        "FATAL: no database",
        r#"{"SchemaVersion":"2"}"#,
        r#"{"SchemaVersion":2,"Results":{}}"#,
        r#"{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"PkgName":"x"}]}]}"#,
        r#"{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"VulnerabilityID":"x","PkgName":"x","Severity":3}]}]}"#,
        &twice,
    ] {
        assert!(matches!(Report::parse(text.as_bytes()), Err(ReportError::NotAReport(_))), "{text}");
    }
    assert_eq!(Report::parse(br#"{"SchemaVersion":3,"Findings":[]}"#), Err(ReportError::Version(3)));
    for text in [r#"{"SchemaVersion":2}"#, r#"{"SchemaVersion":2,"Metadata":{"Size":1},"Results":[]}"#] {
        assert_eq!(Report::parse(text.as_bytes()), Err(ReportError::Nothing));
    }
}

#[test]
fn the_program() {
    let line = run(Path::new("/usr/bin/trivy"), Path::new("/w/.scan-1"));
    assert_eq!(
        line.to_string(),
        "cd /w/.scan-1 && env -u TRIVY_CONFIG -u TRIVY_IGNORE_POLICY -u TRIVY_IGNORE_STATUS -u TRIVY_SKIP_DIRS \
         -u TRIVY_SKIP_FILES -u TRIVY_VEX TMPDIR=/w/.scan-1 /usr/bin/trivy image --format=json --scanners=vuln \
         --severity=UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL --ignore-unfixed=false --exit-code=0 --no-progress --timeout=24h \
         --input=image.tar --output=report.json --ignorefile=ignored"
    );
    assert!(super::IMAGE.parse::<crate::ImageRef>().unwrap().digest().is_some());
}
