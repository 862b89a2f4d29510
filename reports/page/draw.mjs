// Draw the report and check its quality gate, in one process. Allure's own command `generate` does
// not check the gate, so that its page would show no quality gate.
//
// Usage: node draw.mjs ALLURE CONFIG OUTPUT RESULTS...
// ALLURE is the folder into which npm installed Allure. The last line that is printed contains the
// result of each rule of the gate as JSON.

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
