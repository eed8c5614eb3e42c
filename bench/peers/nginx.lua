-- nginx + Lua + Redis: a token checked once and then known, an exact window in one script, denials remembered.
local ffi = require 'ffi'

ffi.cdef [[
const void *EVP_sha256(void);
unsigned char *HMAC(const void *md, const void *key, int key_length, const unsigned char *data, size_t length,
  unsigned char *out, unsigned int *out_length);
]]

local job = {}
local tokens, denials = ngx.shared.tokens, ngx.shared.denials

local script = [[
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local quota, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local oldest = tonumber(redis.call('LINDEX', KEYS[1], -1))
while oldest and oldest <= now - window do
  redis.call('RPOP', KEYS[1])
  oldest = tonumber(redis.call('LINDEX', KEYS[1], -1))
end
local used = redis.call('LLEN', KEYS[1])
if used >= quota then return { -1, oldest + window - now } end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return { quota - used - 1, (oldest or now) + window - now }
]]
local sha

local function unpadded(text)
  return (ngx.encode_base64(text, true):gsub('%+', '-'):gsub('/', '_'))
end

local function base64url_decoded(text)
  return ngx.decode_base64((text:gsub('-', '+'):gsub('_', '/')) .. string.rep('=', -#text % 4))
end

local function verified(token)
  local signed, signature = token:match('^([%w_-]+%.[%w_-]+)%.([%w_-]+)$')
  if not signed then return nil end
  local out, length = ffi.new('unsigned char[32]'), ffi.new('unsigned int[1]')
  ffi.C.HMAC(ffi.C.EVP_sha256(), job.secret, #job.secret, signed, #signed, out, length)
  if unpadded(ffi.string(out, 32)) ~= signature then return nil end
  local claims = base64url_decoded(signed:match('%.(.*)$')) or ''
  local expires_at = tonumber(claims:match('"exp":(%d+)'))
  if not expires_at or expires_at <= ngx.time() then return nil end
  local caller = claims:match('"sub":"([^"]+)"')
  tokens:set(token, caller, expires_at - ngx.time())
  return caller
end

local function ask(socket, ...)
  local parts = { '*', select('#', ...), '\r\n' }
  for i = 1, select('#', ...) do
    local argument = tostring((select(i, ...)))
    parts[#parts + 1] = '$' .. #argument .. '\r\n' .. argument .. '\r\n'
  end
  assert(socket:send(parts))
  local line = assert(socket:receive())
  if line:sub(1, 1) == '-' then return nil, line end
  if line:sub(1, 1) == '$' then return (assert(socket:receive(tonumber(line:sub(2)) + 2)):sub(1, -3)) end
  local first, second = assert(socket:receive()), assert(socket:receive())
  return tonumber(first:sub(2)), tonumber(second:sub(2))
end

local function counted(key, quota, window_us)
  local socket = ngx.socket.tcp()
  assert(socket:connect('127.0.0.1', job.redis_port))
  if not sha then sha = assert(ask(socket, 'SCRIPT', 'LOAD', script)) end
  local remaining, reset = ask(socket, 'EVALSHA', sha, 1, key, quota, window_us)
  assert(remaining, reset)
  socket:setkeepalive(60000, 256)
  return remaining, math.max(1, math.ceil(reset / 1000000))
end

local function refuse(retry_after)
  ngx.status = 429
  ngx.header['Retry-After'] = retry_after
  ngx.header['RateLimit'] = '"calls";r=0;t=' .. retry_after
  ngx.header['Content-Type'] = 'application/problem+json'
  ngx.print('{"title":"Quota exceeded","status":429}')
  return ngx.exit(429)
end

function job.admit(name, quota, window_seconds)
  local token = (ngx.var.http_authorization or ''):match('^Bearer (.+)$')
  local caller = token and (tokens:get(token) or verified(token))
  if not caller then return ngx.exit(401) end
  local key = 'nginx:' .. name .. ':' .. caller
  local until_time = denials:get(key)
  if until_time then return refuse(math.max(1, math.ceil(until_time - ngx.now()))) end
  local remaining, reset = counted(key, quota, window_seconds * 1000000)
  if remaining < 0 then
    denials:set(key, ngx.now() + reset, reset)
    return refuse(reset)
  end
  ngx.header['RateLimit'] = '"calls";r=' .. remaining .. ';t=' .. reset
end

return job
