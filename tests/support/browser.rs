//! A headless Chromium, driven by W3C's protocol for browsers.

use std::{path::PathBuf, process::Stdio, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::{Instant, timeout},
};

const PATIENCE: Duration = Duration::from_secs(60);
/// The name under which the standard hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one page. Ended when dropped.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    session: String,
    _driver: Child,
    _output: BufReader<ChildStdout>,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser with nothing in it.
    ///
    /// # Panics
    /// If Chromium or its driver is not installed.
    pub async fn open() -> Self {
        let chromium = installed("chromium");
        let profile = TempDir::new().unwrap();
        let mut driver = Command::new(installed("chromedriver"))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(driver.stdout.take().unwrap());
        let port = timeout(PATIENCE, port(&mut output)).await.expect("chromedriver starts");
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let arguments = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-background-networking".to_owned(),
            "--no-first-run".to_owned(),
            "--no-proxy-server".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let drivers = format!("http://127.0.0.1:{port}");
        let made = ask(&client, Method::POST, &format!("{drivers}/session"), Some(wanted)).await;
        let session = made["sessionId"].as_str().expect("a session");
        let session = format!("{drivers}/session/{session}");
        Self { client, session, _driver: driver, _output: output, _profile: profile }
    }

    /// Opens an address.
    pub async fn go(&self, url: &str) {
        self.post("url", json!({ "url": url })).await;
    }

    /// Where it is.
    pub async fn address(&self) -> String {
        let url = format!("{}/url", self.session);
        let url = ask(&self.client, Method::GET, &url, None).await;
        url.as_str().unwrap().to_owned()
    }

    /// Types into the element a selector names, instead of what stands there.
    pub async fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.post(&format!("element/{element}/clear"), json!({})).await;
        self.post(&format!("element/{element}/value"), json!({ "text": text })).await;
    }

    /// Clicks on the element a selector names.
    pub async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.post(&format!("element/{element}/click"), json!({})).await;
    }

    /// Clicks on what leads elsewhere, and waits until it is there.
    pub async fn follow(&self, selector: &str, to: &str) {
        self.script("document.documentElement.dataset.left = 'no'", json!([])).await;
        self.click(selector).await;
        let arrived = "return document.readyState === 'complete'
            && document.documentElement.dataset.left === undefined";
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The page may change between two questions, so both are asked of the new one.
            if self.script(arrived, json!([])).await == true {
                let address = self.address().await;
                assert!(address.contains(to), "{address} is not {to}");
                return;
            }
            assert!(Instant::now() < deadline, "{selector} leads nowhere");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn element(&self, selector: &str) -> String {
        let found = self.post("element", json!({ "using": "css selector", "value": selector }));
        found.await[ELEMENT].as_str().expect("an element").to_owned()
    }

    /// The text a person sees of every element that a selector names.
    pub async fn texts(&self, selector: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map(e => e.innerText)";
        let texts = self.script(script, json!([selector])).await;
        texts.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// What a script of the test's own returns; the page's own rules do not apply to it.
    pub async fn script(&self, script: &str, arguments: Value) -> Value {
        self.post("execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// What the browser complained of since it was asked last: scripts, styles, missing files,
    /// violations of the page's content security policy. Its mere advice is left out.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.post("se/log", json!({ "type": "browser" })).await;
        let log = log.as_array().unwrap().iter();
        let log = log.filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        log.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The cookies of the page.
    pub async fn cookies(&self) -> Vec<Value> {
        let url = format!("{}/cookie", self.session);
        let cookies = ask(&self.client, Method::GET, &url, None).await;
        cookies.as_array().unwrap().clone()
    }

    /// Looks at the page on a screen this wide.
    pub async fn on_a_screen(&self, width: u32) {
        let screen = json!({
            "width": width, "height": if width < 600 { 844 } else { 900 },
            "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// Looks at the page as it is printed, or again as it is shown.
    pub async fn on_paper(&self, on_paper: bool) {
        let media = if on_paper { "print" } else { "" };
        self.devtools("Emulation.setEmulatedMedia", json!({ "media": media })).await;
    }

    /// Keeps a picture of the whole page under `target/screenshots`.
    pub async fn picture(&self, name: &str) {
        let whole = json!({ "captureBeyondViewport": true });
        let taken = self.devtools("Page.captureScreenshot", whole).await;
        let bytes = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        assert!(bytes.starts_with(b"\x89PNG"));
        let folder = target().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.post("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    async fn post(&self, what: &str, body: Value) -> Value {
        ask(&self.client, Method::POST, &format!("{}/{what}", self.session), Some(body)).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser when its session ends; killing it alone would leave Chromium.
        let session = self.session.clone();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            // Nothing can be done about a browser that does not even end.
            let _ = runtime.block_on(async {
                let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
                client.delete(session).send().await
            });
        });
        let _ = ended.join();
    }
}

async fn ask(client: &Client, method: Method, url: &str, body: Option<Value>) -> Value {
    let mut request = client.request(method, url);
    if let Some(body) = &body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let answer: Value = answer.json().await.unwrap();
    assert!(status.is_success(), "{url} {body:?}: {}", answer["value"]["message"]);
    answer["value"].clone()
}

/// The port that chromedriver says it has taken.
async fn port(output: &mut BufReader<ChildStdout>) -> u16 {
    let mut line = String::new();
    while output.read_line(&mut line).await.unwrap() > 0 {
        let said = line.split_once("started successfully on port ");
        if let Some(port) =
            said.and_then(|(_, port)| port.trim().trim_end_matches('.').parse().ok())
        {
            return port;
        }
        line.clear();
    }
    panic!("chromedriver ended without saying its port")
}

fn installed(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program));
    found.into_iter().find(|file| file.is_file()).unwrap_or_else(|| {
        panic!("{program} is not installed; `make setup` installs what the tests need")
    })
}

fn target() -> PathBuf {
    crate::command::binary("daybook").parent().and_then(std::path::Path::parent).unwrap().to_owned()
}
