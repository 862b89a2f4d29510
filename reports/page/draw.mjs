// Draws the report and holds it against its quality gate, in one process: Allure's own `generate`
// leaves the gate out, so that its page would say that there is none.
//
// Usage: node draw.mjs ALLURE CONFIG OUTPUT RESULTS...
// ALLURE is where npm installed it. The last line printed is the gate's findings as JSON.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [installed, config, output, ...folders] = process.argv.slice(2);
const core = join(installed, "node_modules", "@allurereport", "core", "dist", "index.js");
const { AllureReport, readConfig } = await import(pathToFileURL(core));

const report = new AllureReport(await readConfig(process.cwd(), config, { output }));
await report.start();
for (const folder of folders) {
  await report.readDirectory(folder);
}
const tests = await report.store.allTestResults({ includeRetries: false });
const { results } = await report.validate({ trs: tests });
report.realtimeDispatcher.sendQualityGateResults(results);
await report.done();

const found = results.map(({ rule, success, message }) => ({ rule, success, message }));
console.log(JSON.stringify(found));
