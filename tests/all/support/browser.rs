//! A real browser, Debian's Chromium, driven through chromedriver: one at a time, each with a profile of its own.
//!
//! Where a browser or axe-core isn't installed, the tests say so and don't run; `scripts/setup-tests.sh` installs both.

use super::client::RUNTIME;
use super::say;
use super::server::TestApp;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, Once, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long something may take that a script of a page does: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// A phone, as wide as the pages are drawn for.
pub(crate) const PHONE: (u32, u32) = (390, 844);

/// A desk's screen.
pub(crate) const SCREEN: (u32, u32) = (1440, 900);

/// The narrowest screen on which nothing may be scrolled sideways.
const NARROW: (u32, u32) = (320, 640);

/// Browsers are big: one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// axe-core as `scripts/setup-tests.sh` left it.
static AXE: LazyLock<Option<String>> = LazyLock::new(|| {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-venv/lib");
    let pythons = fs::read_dir(venv).ok()?;
    let mut files = pythons
        .filter_map(|python| Some(python.ok()?.path().join("site-packages/axe_playwright_python/axe.min.js")))
        .filter_map(|file| fs::read_to_string(file).ok());
    files.next()
});

/// Whether pages can be checked with axe-core here; says so once when they can't.
pub(crate) fn has_axe() -> bool {
    static SAID: Once = Once::new();
    if AXE.is_none() {
        SAID.call_once(|| {
            say("checks of accessibility not run: axe-core isn't in target/test-venv (scripts/setup-tests.sh)")
        });
    }
    AXE.is_some()
}

/// Where pictures for the documentation go, when they are asked for.
pub(crate) fn screenshots() -> Option<PathBuf> {
    std::env::var_os("FANGXIN_SCREENSHOTS").map(PathBuf::from)
}

/// What opening a page took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Weight {
    /// Bytes that came through the network, headers included.
    pub(crate) all: u64,
    /// Those of scripts.
    pub(crate) scripts: u64,
    /// What was asked of another origin.
    pub(crate) foreign: Vec<String>,
}

/// A browser at one server of the tests.
#[derive(Debug)]
pub(crate) struct Browser {
    client: Client,
    driver: Child,
    base: String,
    size: RefCell<(u32, u32)>,
    offline: RefCell<bool>,
    _profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// A command that only Chromium knows.
#[derive(Debug)]
struct Own {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (reqwest::Method, Option<String>) {
        (reqwest::Method::POST, Some(self.body.to_string()))
    }
}

/// Whether a browser can be started here; says so when it can't.
fn is_there() -> bool {
    let found = ["chromium", "chromedriver"].into_iter().all(|program| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    });
    if !found {
        say("part not run: chromium and chromedriver aren't installed");
    }
    found
}

impl Browser {
    /// Opens a browser as large as a phone; nothing, said aloud, where there is none.
    pub(crate) fn of(app: &TestApp) -> Option<Self> {
        if !is_there() {
            return None;
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = tempfile::Builder::new().prefix("fangxin-browser").tempdir().expect("a temporary folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let client = connect(port, profile.path());
        let browser = Self {
            client,
            driver,
            base: app.client.base().to_owned(),
            size: RefCell::new(PHONE),
            offline: RefCell::new(false),
            _profile: profile,
            _turn: turn,
        };
        browser.resize(PHONE);
        Some(browser)
    }

    /// A command of the DevTools protocol.
    #[track_caller]
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let own = Own { path: "goog/cdp/execute", body: json!({ "cmd": command, "params": parameters }) };
        RUNTIME
            .block_on(self.client.issue_cmd(own))
            .unwrap_or_else(|error| panic!("{command} {parameters}: {error}{}", self.place()))
    }

    /// Makes the window as large; below 768 pixels it behaves as a phone does.
    pub(crate) fn resize(&self, size: (u32, u32)) {
        let (width, height) = size;
        self.size.replace(size);
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 768 });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Lets scripts of pages run or not.
    pub(crate) fn scripts(&self, run: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": !run }));
    }

    /// Takes the network away, or gives it back.
    pub(crate) fn offline(&self, offline: bool) {
        self.devtools("Network.enable", &json!({}));
        let none = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.devtools("Network.emulateNetworkConditions", &none);
        self.offline.replace(offline);
    }

    /// What the browser says of its surroundings: `("prefers-color-scheme", "dark")`, `("prefers-contrast", "more")`;
    /// `print` shows pages as they are printed.
    pub(crate) fn media(&self, print: bool, features: &[(&str, &str)]) {
        let features: Vec<_> = features.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let media = if print { "print" } else { "" };
        self.devtools("Emulation.setEmulatedMedia", &json!({ "media": media, "features": features }));
    }

    /// Opens an address of the server, or a full one.
    #[track_caller]
    pub(crate) fn open(&self, path: &str) {
        let address = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        RUNTIME.block_on(self.client.goto(&address)).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Path and query of the page that is shown.
    pub(crate) fn path(&self) -> String {
        let url = RUNTIME.block_on(self.client.current_url()).expect("an address");
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// The page as it stands, as HTML.
    pub(crate) fn html(&self) -> String {
        RUNTIME.block_on(self.client.source()).expect("the page")
    }

    /// The words that are seen.
    pub(crate) fn text(&self) -> String {
        self.script("return document.body.innerText", &[]).as_str().unwrap_or_default().to_owned()
    }

    /// Words that must be seen.
    #[track_caller]
    pub(crate) fn sees(&self, words: &str) {
        let text = self.text();
        assert!(text.contains(words), "{words} isn't on the page{}:\n{text}", self.place());
    }

    /// Words that must not be seen.
    #[track_caller]
    pub(crate) fn sees_no(&self, words: &str) {
        let text = self.text();
        assert!(!text.contains(words), "{words} is on the page{}:\n{text}", self.place());
    }

    /// Runs a script, also where those of the page don't run; its `return` is given.
    #[track_caller]
    pub(crate) fn script(&self, script: &str, arguments: &[Value]) -> Value {
        RUNTIME
            .block_on(self.client.execute(script, arguments.to_vec()))
            .unwrap_or_else(|error| panic!("{script}: {error}{}", self.place()))
    }

    /// Runs a script that gives its answer later, to the last of its arguments.
    #[track_caller]
    pub(crate) fn later(&self, script: &str) -> Value {
        let given = RUNTIME.block_on(self.client.execute_async(script, Vec::new()));
        given.unwrap_or_else(|error| panic!("{script}: {error}{}", self.place()))
    }

    /// How many elements a selector finds.
    pub(crate) fn count(&self, css: &str) -> usize {
        RUNTIME.block_on(self.client.find_all(Locator::Css(css))).expect("elements").len()
    }

    /// Waits for what scripts of the page do.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, until: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        while !until(self) {
            assert!(since.elapsed() < PATIENCE, "{what} didn't happen{}:\n{}", self.place(), self.text());
            sleep(Duration::from_millis(40));
        }
    }

    #[track_caller]
    fn find(&self, css: &str) -> fantoccini::elements::Element {
        RUNTIME
            .block_on(self.client.find(Locator::Css(css)))
            .unwrap_or_else(|error| panic!("{css}: {error}{}:\n{}", self.place(), self.text()))
    }

    /// Does what leads to another page, and waits until that is there.
    #[track_caller]
    fn leave(&self, by: impl FnOnce()) {
        self.script("document.documentElement.dataset.asked = 1", &[]);
        by();
        // Without a network nothing is led to.
        if *self.offline.borrow() {
            return;
        }
        let there = "return document.documentElement.dataset.asked === undefined && document.readyState === 'complete'";
        // Between two pages there is none to ask.
        let arrived = || RUNTIME.block_on(self.client.execute(there, Vec::new())).is_ok_and(|there| there == true);
        self.wait("the next page", |_| arrived());
    }

    /// Clicks the first element that a selector finds, on the page that is shown.
    #[track_caller]
    pub(crate) fn click(&self, css: &str) {
        let element = self.find(css);
        RUNTIME.block_on(element.click()).unwrap_or_else(|error| panic!("{css}: {error}{}", self.place()));
    }

    /// Clicks the first link or button with these words, and waits for the page that it leads to.
    #[track_caller]
    pub(crate) fn press(&self, words: &str) {
        let path = format!("//main//*[(self::a or self::button) and contains(., '{words}')]");
        let found = RUNTIME.block_on(self.client.find(Locator::XPath(&path)));
        let element = found.unwrap_or_else(|error| panic!("{words}: {error}{}:\n{}", self.place(), self.text()));
        self.leave(|| {
            RUNTIME.block_on(element.click()).unwrap_or_else(|error| panic!("{words}: {error}{}", self.place()));
        });
    }

    /// Types into the element that a selector finds, as on a keyboard; into a choice of files, the path of one.
    #[track_caller]
    pub(crate) fn keys(&self, css: &str, keys: &str) {
        let element = self.find(css);
        RUNTIME.block_on(element.send_keys(keys)).unwrap_or_else(|error| panic!("{css}: {error}{}", self.place()));
    }

    /// Answers a question of a form, whatever its kind: text, one of a list, a radio button or a checkbox.
    #[track_caller]
    pub(crate) fn fill(&self, name: &str, value: &str) {
        let kind = self.script(
            "const all = document.getElementsByName(arguments[0]); return all.length ? all[0].type || all[0].tagName : ''",
            &[json!(name)],
        );
        match kind.as_str().unwrap_or_default() {
            "radio" | "checkbox" => self.click(&format!("[name='{name}'][value='{value}']")),
            "select-one" => {
                let element = self.find(&format!("[name='{name}']"));
                let chosen = RUNTIME.block_on(element.select_by_value(value));
                chosen.unwrap_or_else(|error| panic!("{name}={value}: {error}{}", self.place()));
            }
            "" => panic!("no field {name}{}:\n{}", self.place(), self.text()),
            _ => {
                let element = self.find(&format!("[name='{name}']"));
                RUNTIME.block_on(element.clear()).expect("it can be cleared");
                RUNTIME.block_on(element.send_keys(value)).expect("it can be typed into");
            }
        }
    }

    /// Answers the questions of the page's form and sends it with its first button.
    #[track_caller]
    pub(crate) fn send(&self, answers: &[(&str, &str)]) {
        for (name, value) in answers {
            self.fill(name, value);
        }
        self.leave(|| self.click("main form button[type=submit]"));
    }

    /// Opens a page with a form and signs in with its answers; the page after it must be another one.
    #[track_caller]
    pub(crate) fn sign_in(&self, path: &str, answers: &[(&str, &str)]) {
        self.open(path);
        self.send(answers);
        assert_ne!(self.path(), path, "not signed in: {}", self.text());
    }

    /// The violations of WCAG 2.0 to 2.2 A and AA and of best practice that axe-core finds on the page as it is shown.
    #[track_caller]
    pub(crate) fn violations(&self) -> Vec<String> {
        let Some(axe) = AXE.as_ref().filter(|_| has_axe()) else { return Vec::new() };
        self.script(axe, &[]);
        let run = "const done = arguments[arguments.length - 1];
            axe.run(document, { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',
                'best-practice'] }, resultTypes: ['violations'] })
              .then((found) => done({ checked: found.passes.length, violations: found.violations.map((rule) => rule.id + ': '
                + rule.help + ' — ' + rule.nodes.map((node) => node.html + ' ' + node.failureSummary).join('; ')) }),
              (error) => done({ checked: 0, violations: [String(error)] }))";
        let found = self.later(run);
        assert!(found["checked"].as_u64().is_some_and(|rules| rules > 5), "axe checked nothing: {found}");
        let violations = found["violations"].as_array().expect("a list");
        violations.iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// By how many pixels the page is wider than the window.
    pub(crate) fn sideways(&self) -> i64 {
        let wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        self.script(wider, &[]).as_i64().expect("a number")
    }

    /// What must hold of every page that is shown: no violation of accessibility at both sizes, nothing to scroll sideways
    /// at 320 pixels, no error in the console.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        let before = *self.size.borrow();
        for size in [PHONE, SCREEN] {
            self.resize(size);
            let violations = self.violations();
            assert!(violations.is_empty(), "{size:?}{}: {violations:#?}", self.place());
        }
        let shown =
            "return [...document.querySelectorAll('[hidden]')].filter((one) => one.getClientRects().length).length";
        assert_eq!(self.script(shown, &[]), 0, "hidden, and yet seen{}", self.place());
        self.resize(NARROW);
        assert_eq!(self.sideways(), 0, "scrolls sideways at 320 pixels{}: {}", self.place(), self.widest());
        self.resize(before);
        let errors = self.errors();
        assert!(errors.is_empty(), "errors in the console{}: {errors:#?}", self.place());
    }

    /// The elements that stand out of the window, for a message.
    fn widest(&self) -> Value {
        let out = "return [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right >
            document.documentElement.clientWidth + 0.5).slice(0, 5).map((one) => one.outerHTML.slice(0, 160))";
        self.script(out, &[])
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        let own = Own { path: "se/log", body: json!({ "type": kind }) };
        let log = RUNTIME.block_on(self.client.issue_cmd(own)).expect("a log");
        log.as_array().cloned().unwrap_or_default()
    }

    /// The errors in the console since they were last asked for. That a form was answered with 422 is none, nor that the page
    /// of signing in was answered with 401, nor what couldn't be fetched without a network.
    pub(crate) fn errors(&self) -> Vec<String> {
        let errors = self.log("browser").into_iter().filter(|entry| entry["level"] == "SEVERE");
        let told = errors.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned());
        let expected = |told: &str| {
            told.contains("status of 422")
                || (told.contains("/login") && told.contains("status of 401"))
                || told.contains("ERR_INTERNET_DISCONNECTED")
        };
        told.filter(|told| !expected(told)).collect()
    }

    /// Opens a page with nothing kept from before, and gives what it took.
    #[track_caller]
    pub(crate) fn weigh(&self, path: &str) -> Weight {
        self.devtools("Network.enable", &json!({}));
        self.devtools("Network.setBypassServiceWorker", &json!({ "bypass": true }));
        self.devtools("Network.setCacheDisabled", &json!({ "cacheDisabled": true }));
        self.log("performance");
        self.open(path);
        self.wait("the page's end", |browser| browser.script("return document.readyState", &[]) == "complete");
        let (mut weight, mut kinds) = (Weight::default(), BTreeMap::new());
        for entry in self.log("performance") {
            let entry: Value = serde_json::from_str(entry["message"].as_str().expect("a message")).expect("JSON");
            let (event, data) = (&entry["message"]["method"], &entry["message"]["params"]);
            let request = data["requestId"].as_str().unwrap_or_default().to_owned();
            match event.as_str().unwrap_or_default() {
                "Network.requestWillBeSent" => {
                    let address = data["request"]["url"].as_str().unwrap_or_default();
                    let own =
                        address.starts_with(&self.base) || address.starts_with("data:") || address.starts_with("blob:");
                    if !own {
                        weight.foreign.push(address.to_owned());
                    }
                    kinds.insert(request, data["type"].as_str().unwrap_or_default().to_owned());
                }
                "Network.loadingFinished" => {
                    let bytes = data["encodedDataLength"].as_f64().unwrap_or_default() as u64;
                    weight.all += bytes;
                    if kinds.get(&request).is_some_and(|kind| kind == "Script") {
                        weight.scripts += bytes;
                    }
                }
                _ => {}
            }
        }
        self.devtools("Network.setCacheDisabled", &json!({ "cacheDisabled": false }));
        self.devtools("Network.setBypassServiceWorker", &json!({ "bypass": false }));
        assert!(weight.all > 0, "{path}: nothing was measured");
        weight
    }

    /// Makes the network slow, as a phone's is (slow 4G: 400 ms, 1.6 Mbit/s), and the processor four times as slow.
    pub(crate) fn slow(&self) {
        self.devtools("Network.enable", &json!({}));
        let network =
            json!({ "offline": false, "latency": 400, "downloadThroughput": 200_000, "uploadThroughput": 93_750 });
        self.devtools("Network.emulateNetworkConditions", &network);
        self.devtools("Emulation.setCPUThrottlingRate", &json!({ "rate": 4 }));
    }

    /// Milliseconds until the largest part of the page was painted, and by how much the page moved while it came.
    pub(crate) fn painted(&self) -> (f64, f64) {
        let told = self.later(
            "const done = arguments[arguments.length - 1]; let largest = 0, moved = 0;
            new PerformanceObserver((list) => { for (const one of list.getEntries()) largest = one.startTime; })
              .observe({ type: 'largest-contentful-paint', buffered: true });
            new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) moved += one.value; })
              .observe({ type: 'layout-shift', buffered: true });
            setTimeout(() => done([largest, moved]), 500)",
        );
        (told[0].as_f64().expect("a number"), told[1].as_f64().expect("a number"))
    }

    /// A picture of the whole page, as PNG.
    pub(crate) fn picture(&self, file: &Path) {
        self.capture(file, u32::MAX, &json!({ "format": "png" }));
    }

    /// A picture of the page down to a height, in the format and quality that are asked for.
    fn capture(&self, file: &Path, lowest: u32, how: &Value) {
        self.script("document.getAnimations().forEach((one) => one.finish())", &[]);
        let size = self.devtools("Page.getLayoutMetrics", &json!({}));
        let (width, height) = *self.size.borrow();
        let height = size["cssContentSize"]["height"].as_f64().unwrap_or_default().max(f64::from(height));
        let shown = height.min(f64::from(lowest));
        // As high as the page: what stays at the lower edge of the window stands at its end.
        let metrics = json!({ "width": width, "height": height.ceil(), "deviceScaleFactor": 1, "mobile": width < 768 });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let mut asked = how.clone();
        asked["captureBeyondViewport"] = json!(true);
        asked["clip"] = json!({ "x": 0, "y": 0, "width": width, "height": shown, "scale": 1 });
        let shot = self.devtools("Page.captureScreenshot", &asked);
        let bytes = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            shot["data"].as_str().expect("a picture"),
        );
        fs::create_dir_all(file.parent().expect("a folder")).expect("the folder");
        fs::write(file, bytes.expect("base64")).expect("the picture is written");
        let before = *self.size.borrow();
        self.resize(before);
    }

    /// Pictures of the page at both sizes, for the documentation, into the folder of `FANGXIN_SCREENSHOTS`; without it none.
    pub(crate) fn pictures(&self, name: &str) {
        let Some(folder) = screenshots() else { return };
        let before = *self.size.borrow();
        for (size, kind) in [(PHONE, "phone"), (SCREEN, "screen")] {
            self.resize(size);
            let file = folder.join(format!("{name}-{kind}.webp"));
            // A screen and a half of a long list tells enough of it.
            self.capture(&file, size.1 * 3 / 2, &json!({ "format": "webp", "quality": 40 }));
        }
        self.resize(before);
    }

    /// Where the browser is, for a message.
    fn place(&self) -> String {
        let (width, height) = *self.size.borrow();
        let address =
            RUNTIME.block_on(self.client.current_url()).map_or_else(|_| "?".to_owned(), |url| url.to_string());
        format!(" (at {address}, {width}×{height})")
    }
}

/// Waits for chromedriver and opens a session.
fn connect(port: u16, profile: &Path) -> Client {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--lang=zh-CN",
        &format!("--user-data-dir={}", profile.display()),
    ];
    let capabilities = json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        "goog:chromeOptions": {
            "binary": chromium(),
            "args": arguments,
            "prefs": { "intl.accept_languages": "zh-CN,zh" },
        },
    });
    let Value::Object(capabilities) = capabilities else { unreachable!("an object") };
    let address = format!("http://127.0.0.1:{port}");
    let since = Instant::now();
    loop {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.clone());
        match RUNTIME.block_on(builder.connect(&address)) {
            Ok(client) => return client,
            Err(error) if since.elapsed() > PATIENCE => panic!("the browser didn't start: {error}"),
            Err(_) => sleep(Duration::from_millis(100)),
        }
    }
}

/// The browser's file: what stands on the path may be a script around it.
fn chromium() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|file| file.is_file()).expect("chromium")
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = std::thread::current().name().unwrap_or("browser").replace("::", "-");
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/browser").join(format!("{name}.png"));
            let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.picture(&file)));
            if shown.is_ok() {
                println!("--- the page when it failed: {}", file.display());
            }
        }
        // Ends the browser; the driver would leave it behind.
        let _ = RUNTIME.block_on(self.client.clone().close());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
