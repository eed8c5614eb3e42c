// haproxy, which counts in its own memory: a bound on what a proxy can do, not a peer that shares its limit.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { job, listening } from './job.js'

const folder = join(dirname(process.argv[2]), 'haproxy')
mkdirSync(folder, { recursive: true })

writeFileSync(
  join(folder, 'haproxy.cfg'),
  `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 30s
  option http-keep-alive
backend calls_admitted
  stick-table type string len 64 size 100k expire 1s store http_req_rate(1s)
backend calls_denied
  stick-table type string len 64 size 100k expire ${job.windowSeconds}s store http_req_cnt
frontend callers
  bind 127.0.0.1:${job.port}
  acl is_bare path_beg /bare
  acl is_denied path_beg /denied
  http-request set-var(txn.caller) http_auth_bearer,jwt_payload_query('$.sub') unless is_bare
  http-request deny deny_status 401 if !is_bare !{ http_auth_bearer,jwt_verify("HS256","${job.secret}") 1 }
  http-request track-sc0 var(txn.caller) table calls_denied if is_denied
  http-request track-sc1 var(txn.caller) table calls_admitted if !is_bare !is_denied
  http-request return status 429 hdr Retry-After "${job.windowSeconds}" if is_denied { sc_http_req_cnt(0) gt ${job.quota} }
  http-request return status 429 hdr Retry-After "1" if { sc_http_req_rate(1) gt 1000000 }
  default_backend stub
backend stub
  http-reuse always
  server stub ${new URL(job.upstreamUrl).host} maxconn 128
`,
)

const haproxy = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'inherit' })
haproxy.on('exit', (code) => process.exit(code ?? 1))
process.on('SIGTERM', () => haproxy.kill())

function whenOpen() {
  const socket = connect(job.port, '127.0.0.1', () => {
    socket.destroy()
    listening({ pid: haproxy.pid })
  })
  socket.on('error', () => setTimeout(whenOpen, 50))
}
whenOpen()
