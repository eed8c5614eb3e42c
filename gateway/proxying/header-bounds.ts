/** More header lines than any app sends; Node itself would silently drop those after the 2,000th. */
export const maxHeaderLines = 200

/** As Node itself has it for HTTP/1.1; by HTTP/2 it takes more. */
export const maxHeaderBytes = 16_384

/** @param lines a name, its value, and so on */
export const bytesOf = (lines: readonly string[]): number =>
  lines.reduce((sum, { length }) => sum + length, 0)
