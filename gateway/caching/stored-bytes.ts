import type { Entry } from './responses.ts'

/** An entry as bytes: the length of the JSON that describes it, that JSON, and the body as it is. */
export function toBytes(entry: Entry): Buffer {
  if (entry.kind === 'varies') return framed(entry, Buffer.alloc(0))
  const { body, ...described } = entry.response
  return framed({ kind: entry.kind, response: described }, body)
}

/** Null for bytes that another version has written. */
export function fromBytes(bytes: Buffer): Entry | null {
  if (bytes.length < 5 || bytes[0] !== version) return null
  const bodyAt = 5 + bytes.readUInt32BE(1)
  if (bytes.length < bodyAt) return null
  try {
    const described = JSON.parse(bytes.toString('utf8', 5, bodyAt)) as Entry
    if (described.kind === 'varies') return described
    return { kind: 'response', response: { ...described.response, body: bytes.subarray(bodyAt) } }
  } catch {
    return null
  }
}

const version = 1

function framed(described: object, body: Buffer): Buffer {
  const json = Buffer.from(JSON.stringify(described))
  const head = Buffer.alloc(5)
  head[0] = version
  head.writeUInt32BE(json.length, 1)
  return Buffer.concat([head, json, body])
}
