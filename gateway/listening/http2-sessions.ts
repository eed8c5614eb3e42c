import { constants, createServer, type Http2Server, type ServerHttp2Session } from 'node:http2'
import { Http2Request, Http2Response } from './http2-messages.ts'

export interface Http2Options {
  /** A session may take this long until its first request. */
  readonly headersTimeoutMs: number
  /** A session without a request under way is closed after so long. */
  readonly idleMs: number
}

/** HTTP/2 over connections that somebody else accepts; `request` and `checkContinue` come from `server`. */
export interface Http2Sessions {
  readonly server: Http2Server
  /**
   * Tells clients to open no more streams and then, called again a little later, closes each session when its streams
   * have ended: what was on its way when they heard it is still answered.
   */
  end(): void
  /** Cuts them. */
  destroy(): void
}

/** Sixteen answers at once would do for a page; a script that fetches more is served in turn. */
const maxConcurrentStreams = 100

/**
 * Streams that a client opens and cancels at once cost it nothing (CVE-2023-44487): so many in a burst, then so many
 * a second, and the session is ended.
 */
const streamResets = { streamResetBurst: 300, streamResetRate: 30 }

/** More would be refused by the first step anyway, in our own words; above these the stream is reset. */
const headLimits = { maxHeaderListPairs: 450, settings: { maxHeaderListSize: 65_536, maxConcurrentStreams } }

const lastStreamOfAll = 2 ** 31 - 1

/** From telling a client until its last request is here. */
const noticeMs = 200

export function openHttp2Sessions({ headersTimeoutMs, idleMs }: Http2Options): Http2Sessions {
  /** With the time from which they may close, when they have been told to end. */
  const sessions = new Map<ServerHttp2Session, number | null>()
  const server = createServer({
    ...headLimits,
    ...streamResets,
    Http2ServerRequest: Http2Request,
    Http2ServerResponse: Http2Response,
  })
  server.on('session', (session) => {
    sessions.set(session, null)
    session.once('close', () => sessions.delete(session))
    closeWhenIdle(session, headersTimeoutMs, idleMs)
  })
  // Each ends its own session, and tells nothing that the log should know.
  server.on('sessionError', () => {})
  function end(session: ServerHttp2Session, mayCloseAtMs: number | null): void {
    // Its 'close' comes later.
    if (session.destroyed) return
    const nowMs = performance.now()
    if (mayCloseAtMs === null) {
      session.goaway(constants.NGHTTP2_NO_ERROR, lastStreamOfAll)
      sessions.set(session, nowMs + noticeMs)
    } else if (nowMs >= mayCloseAtMs) session.close()
  }
  return {
    server,
    end() {
      for (const [session, mayCloseAtMs] of sessions) end(session, mayCloseAtMs)
    },
    destroy() {
      for (const session of sessions.keys()) session.destroy()
    },
  }
}

/** Not by the session's own timer, which every byte sets back: a head that drips would hold it for ever. */
function closeWhenIdle(session: ServerHttp2Session, headersTimeoutMs: number, idleMs: number): void {
  let streams = 0
  const end = (): void => session.destroy()
  let idling = setTimeout(end, headersTimeoutMs)
  session.on('stream', (stream) => {
    clearTimeout(idling)
    streams++
    stream.once('close', () => {
      if (--streams === 0 && !session.destroyed) idling = setTimeout(end, idleMs)
    })
  })
  session.once('close', () => clearTimeout(idling))
}
