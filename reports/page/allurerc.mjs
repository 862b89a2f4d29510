// Configure how Allure draws the report. reports/page/allure.py starts Allure with this file. The
// variable EDGEPROOF_REPORT contains the facts of the report:
// { history, run, environments: { name: variables }, gate }.

const facts = JSON.parse(process.env.EDGEPROOF_REPORT ?? "{}");

const has = (labels, name, value) =>
  labels.some((label) => label.name === name && label.value === value);

// Without environments, Allure regards the same test of two runs as a retry, and hides one of them.
// Ids of environments must not contain other characters than these, and must differ from each other
// even if the remaining characters of two names are equal.
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

// The message of a failed gate begins with "VERDICT: METRIC of SCHEME". It begins with "regression:
// METRIC of SCHEME" if every budget is kept, but a regression guard is broken, or the baseline was
// better.
const verdict = (name, ...metrics) => ({
  message: new RegExp(`^(Failed: )?${name}: (${metrics.join("|")}) of `),
});

// A test belongs to the first category that matches.
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
  // The title of the report. It is also the run's name in the history, by which reports/html.py
  // finds the run.
  name: facts.run ?? "edgeproof",
  historyPath: facts.history,
  // The page contains the history of every test: each earlier run adds about a tenth to its size.
  historyLimit: 10,
  // The labels that allure-pytest adds, such as the machine's name, and the environment's name.
  hideLabels: ["framework", "host", "language", "package", "run", "tag", "thread"],
  environments,
  categories,
  // { minTestsCount, environmentsTested }: the smallest number of tests, and the environments that
  // must have been tested.
  qualityGate: { rules: [facts.gate ?? {}] },
  plugins: {
    awesome: {
      options: {
        singleFile: true,
        reportLanguage: "en",
        theme: "auto",
        open: false,
        // Allure's other charts show nothing useful for these results.
        charts: [{ type: "currentStatus" }, { type: "statusDynamics", limit: 20 }],
      },
    },
  },
};
