/** `10.0.0.0/8, ::1` or a list → the entries, without empty ones. */
export function entriesOf(written: string | readonly string[]): string[] {
  const entries = typeof written === 'string' ? written.split(',') : written
  return entries.map((entry) => entry.trim()).filter((entry) => entry !== '')
}
