import { GatewayError } from '../errors.ts'

/**
 * What a store answers; its failure becomes 503 with a short Retry-After.
 *
 * @throws GatewayError `store-unavailable`; one that the store itself threw passes unchanged
 */
export async function askStore<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause
    throw new GatewayError('store-unavailable', { retryAfterSeconds: 2, cause })
  }
}
