-- Decides a batch of calls, one after the other, each all or nothing: the session is alive and every
-- window has room, then the call is counted in all of them; else in none.
--
-- KEYS   for each call: its session key (when it has one), then one list per window
-- ARGV   1: the time in microseconds, or 0 to ask Redis (tests hand in their own)
--        for each call: 1 when it has a session else 0, the number of windows n,
--                       then n times: quota, window in microseconds
-- reply  for each call: 0 session ended | 1 allowed | 2 denied,
--                       then n times: 1 when the window had room else 0, free places left,
--                       microseconds until one more is free
--
-- A list holds the times of the admitted calls, newest first, at most `quota` of them (more only
-- after the quota was lowered). A key that holds anything else is deleted and counted anew.

local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local function as_text(microseconds)
  return string.format('%.0f', microseconds)
end

-- The time at an index of the list, nil when there is none, or 'corrupt'.
local function time_at(key, index)
  local entry = redis.pcall('LINDEX', key, index)
  if entry == false then return nil end
  if type(entry) == 'table' then return 'corrupt' end
  return tonumber(entry) or 'corrupt'
end

-- Moves a log back with a clock that stepped back: the newest call becomes now, the distances stay.
-- Nobody is admitted twice, and nobody waits longer than one window.
local function rebase(key, step, window)
  local entries = redis.call('LRANGE', key, 0, -1)
  redis.call('DEL', key)
  for _, entry in ipairs(entries) do
    local time = tonumber(entry)
    if time then redis.call('RPUSH', key, as_text(time - step)) end
  end
  redis.call('PEXPIRE', key, math.ceil(window / 1000))
end

-- Free places of a window and the microseconds until one more is free (0 when it is empty).
local function look_at(key, quota, window)
  local newest = time_at(key, 0)
  if newest == nil then return quota, 0 end
  if newest == 'corrupt' or newest <= now - window then
    redis.call('DEL', key)
    return quota, 0
  end
  if newest > now then rebase(key, newest - now, window) end

  local oldest = time_at(key, -1)
  while oldest ~= 'corrupt' and oldest <= now - window do
    redis.call('RPOP', key)
    oldest = time_at(key, -1)
  end
  local used = redis.call('LLEN', key)
  local next_to_go = oldest
  if used > quota then next_to_go = time_at(key, quota - 1) end
  if next_to_go == 'corrupt' then
    redis.call('DEL', key)
    return quota, 0
  end
  return math.max(0, quota - used), next_to_go + window - now
end

local reply = {}
local next_key, next_arg = 1, 2
while next_arg <= #ARGV do
  local has_session = ARGV[next_arg] == '1'
  local windows = tonumber(ARGV[next_arg + 1])
  next_arg = next_arg + 2

  local alive = true
  if has_session then
    alive = redis.call('EXISTS', KEYS[next_key]) == 1
    next_key = next_key + 1
  end

  local status = alive and 1 or 0
  local at = #reply + 1
  reply[at] = status
  if alive then
    for i = 0, windows - 1 do
      local quota, window = tonumber(ARGV[next_arg + 2 * i]), tonumber(ARGV[next_arg + 2 * i + 1])
      local free, reset = look_at(KEYS[next_key + i], quota, window)
      if free == 0 then status = 2 end
      reply[at + 1 + 3 * i] = free > 0 and 1 or 0
      reply[at + 2 + 3 * i] = free
      reply[at + 3 + 3 * i] = reset
    end
    reply[at] = status
    if status == 1 then
      for i = 0, windows - 1 do
        local key, window = KEYS[next_key + i], tonumber(ARGV[next_arg + 2 * i + 1])
        redis.call('LPUSH', key, as_text(now))
        redis.call('PEXPIRE', key, math.ceil(window / 1000))
        reply[at + 2 + 3 * i] = reply[at + 2 + 3 * i] - 1
        if reply[at + 3 + 3 * i] == 0 then reply[at + 3 + 3 * i] = window end
      end
    end
  else
    for i = 1, 3 * windows do reply[at + i] = 0 end
  end
  next_key = next_key + windows
  next_arg = next_arg + 2 * windows
end
return reply
