import fc from 'fast-check'
import { expect, it } from 'vitest'
import { closeFrame, FrameReader } from './frames.ts'

const small = fc.record({
  opcode: fc.constantFrom(0x0, 0x1, 0x2, 0x9, 0xa),
  length: fc.oneof(fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536), fc.nat(300)),
  isMasked: fc.boolean(),
})

function frame({ opcode, length, isMasked }: { opcode: number; length: number; isMasked: boolean }): Buffer {
  const mask = isMasked ? 0x80 : 0
  const head = [0x80 | opcode]
  if (length < 126) head.push(mask | length)
  else if (length < 65_536) head.push(mask | 126, length >> 8, length & 0xff)
  else
    head.push(
      mask | 127,
      0,
      0,
      0,
      0,
      (length >> 24) & 0xff,
      (length >> 16) & 0xff,
      (length >> 8) & 0xff,
      length & 0xff,
    )
  // Payload that looks like close frames.
  return Buffer.concat([Buffer.from(head), Buffer.alloc(isMasked ? 4 : 0, 7), Buffer.alloc(length, 0x88)])
}

it('however a stream is cut into chunks, it is at a boundary where a frame has ended and nowhere else', () => {
  fc.assert(
    fc.property(
      fc.array(small, { maxLength: 6 }),
      fc.array(fc.nat(200), { maxLength: 40 }),
      (frames, cuts) => {
        const bytes = frames.map(frame)
        const ends = new Set([0])
        for (const { length } of bytes) ends.add(Math.max(...ends) + length)
        const reader = new FrameReader()
        const stream = Buffer.concat(bytes)
        let at = 0
        for (const cut of [...cuts, stream.length]) {
          reader.read(stream.subarray(at, at + cut))
          at = Math.min(at + cut, stream.length)
          expect(reader.isAtBoundary).toBe(ends.has(at))
        }
        expect(reader.hasClosed).toBe(false)
      },
    ),
  )
})

it('wherever a frame is interrupted, its rest is told from what follows it', () => {
  fc.assert(
    fc.property(small, fc.nat(70_000), (one, cut) => {
      const bytes = frame(one)
      const begun = cut % bytes.length
      const reader = new FrameReader()
      reader.read(bytes.subarray(0, begun))
      const rest = begun === 0 ? 0 : bytes.length - begun
      expect(reader.readRest(Buffer.concat([bytes.subarray(begun), frame(one)]))).toBe(rest)
      expect(reader.isAtBoundary).toBe(true)
    }),
  )
})

it('a close frame is noticed when it begins', () => {
  const reader = new FrameReader()
  const bytes = closeFrame(1008, 'session ended')
  reader.read(bytes.subarray(0, 1))
  expect(reader.hasClosed).toBe(false)
  reader.read(bytes.subarray(1))
  expect([reader.hasClosed, reader.isAtBoundary]).toEqual([true, true])
  expect(bytes).toEqual(Buffer.from([0x88, 15, 0x03, 0xf0, ...Buffer.from('session ended')]))
})
