import { GatewayError } from '../errors.ts'

export interface WholeNumber {
  readonly name: string
  readonly least: number
  readonly most: number
  /** Taken when the query does not have it. */
  readonly otherwise: number
}

/** @throws GatewayError 400 that says what to send instead. */
export function wholeNumber(query: unknown, { name, least, most, otherwise }: WholeNumber): number {
  const text = (query as Record<string, unknown>)[name]
  if (text === undefined) return otherwise
  const value = typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new GatewayError('invalid-request', {
    sentence: `${name} must be a whole number from ${least} to ${most}. Send ?${name}=${otherwise}, or leave it out.`,
    members: { parameter: name },
  })
}

/** Undefined when the query does not have it, or has it empty. */
export function optionalText(query: unknown, name: string): string | undefined {
  const text = (query as Record<string, unknown>)[name]
  if (text === undefined || text === '') return undefined
  if (typeof text === 'string' && text.length <= 100) return text
  throw new GatewayError('invalid-request', {
    sentence: `${name} must be one text of at most 100 characters. Send ?${name}=… once.`,
    members: { parameter: name },
  })
}
