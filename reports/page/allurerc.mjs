// How Allure draws the report. reports/html.py starts Allure with this file, and hands over what
// is only known then in EDGEPROOF_REPORT: { history, run, environments: { name: variables }, gate }.

const facts = JSON.parse(process.env.EDGEPROOF_REPORT ?? "{}");

const has = (labels, name, value) =>
  labels.some((label) => label.name === name && label.value === value);

// Without environments, Allure takes the same test of two runs for a retry and hides one. Their ids
// may hold no other characters; what is left of two names must not be one id.
const ids = new Set();
const idOf = (name) => {
  const plain = name.replace(/[^A-Za-z0-9_-]+/g, "-");
  const id = ids.has(plain) ? `${plain.slice(0, 58)}-${ids.size}` : plain;
  ids.add(id);
  return id;
};
const environments = Object.fromEntries(
  Object.entries(facts.environments ?? {}).map(([name, variables]) => [
    idOf(name),
    { name, variables, matcher: ({ labels }) => has(labels, "run", name) },
  ]),
);

// The judge's message begins "VERDICT: METRIC of SCHEME", or "regression: METRIC of SCHEME" where
// every budget is kept, and a regression guard is broken or the baseline was better.
const verdict = (name, ...metrics) => ({
  message: new RegExp(`^(Failed: )?${name}: (${metrics.join("|")}) of `),
});

// The first that matches wins.
const categories = [
  { name: "Known failure", matchers: [{ statuses: ["skipped"], message: /^XFAIL/ }] },
  {
    name: "Device not there",
    matchers: [{ statuses: ["broken", "skipped"], message: /device .*(not there|not found)/i }],
  },
  { name: "Invalid circumstances", matchers: [verdict("invalid", ".*")] },
  { name: "Inconclusive", matchers: [verdict("inconclusive", ".*")] },
  { name: "Regression", matchers: [verdict("regression", ".*")] },
  {
    name: "Accuracy regression",
    matchers: [
      verdict("fail", ".*accuracy.*", "macro_f1.*", "f_rs.*", "reliability", "sensitivity"),
      verdict("fail", "agreement.*", "total_.*"),
    ],
  },
  {
    name: "Latency over budget",
    matchers: [
      verdict("fail", "latency_.*", "text_to_label_.*", "texts_per_second", "cold_start"),
    ],
  },
  { name: "Memory over budget", matchers: [verdict("fail", "peak_rss")] },
  { name: "Size over budget", matchers: [verdict("fail", "size_ratio_.*", ".*_bytes")] },
  { name: "Not conforming", matchers: [{ statuses: ["failed"] }] },
  { name: "Broken test", matchers: [{ statuses: ["broken"] }] },
  {
    name: "Measured without a budget",
    matchers: [{ statuses: ["unknown"], message: /measured, not judged/ }],
  },
];

export default {
  // The title, and the run's name in the history, where reports/html.py looks for it.
  name: facts.run ?? "edgeproof",
  historyPath: facts.history,
  // The page holds the history of every test: each run adds about a tenth to its size.
  historyLimit: 10,
  // What allure-pytest adds of itself, the machine's name among it, and the environment's name.
  hideLabels: ["framework", "host", "language", "package", "run", "tag", "thread"],
  environments,
  categories,
  // { minTestsCount, environmentsTested }: how many tests there must be, and on which devices.
  qualityGate: { rules: [facts.gate ?? {}] },
  plugins: {
    awesome: {
      options: {
        singleFile: true,
        reportLanguage: "en",
        theme: "auto",
        open: false,
        // Those of Allure's charts that say something here.
        charts: [{ type: "currentStatus" }, { type: "statusDynamics", limit: 20 }],
      },
    },
  },
};
