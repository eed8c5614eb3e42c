// Prints `N passed, N failed` from a JSON report of vitest. Plain CommonJS: it also runs on a machine's older Node.
const { existsSync, readFileSync } = require('node:fs')

const [file, status] = process.argv.slice(2)
const files = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).testResults : []
const states = files.flatMap(({ assertionResults, status }) => {
  const own = assertionResults.map((test) => test.status)
  // A file that broke outside its tests (an import, a hook, something left open) counts as one failure.
  return status === 'failed' && !own.includes('failed') ? [...own, 'failed'] : own
})
const count = (wanted) => states.filter(wanted).length
const passed = count((state) => state === 'passed')
const failed = count((state) => state === 'failed')
const skipped = states.length - passed - failed

if (status !== '0' && failed === 0) {
  console.log(
    `npm test ended with ${status} although no test failed: types, lint, a missing server or a stray error, see above`,
  )
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
