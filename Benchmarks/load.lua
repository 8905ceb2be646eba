-- One request again and again; prints one JSON line at the end. Arguments: path, body file, then header lines "Name: value".
local failures = 0
local threads = {}

function setup(thread) table.insert(threads, thread) end

function init(args)
  wrk.method = "POST"
  wrk.path = args[1]
  local file = assert(io.open(args[2], "rb"))
  wrk.body = file:read("*a")
  file:close()
  for i = 3, #args do
    local name, value = args[i]:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  wrk.headers["Content-Type"] = "application/json"
  request_bytes = wrk.format()
  bad = 0
end

function request() return request_bytes end

function response(status, headers, body)
  if status ~= 200 then
    bad = bad + 1
    if bad == 1 then io.stderr:write("status " .. status .. ": " .. body:sub(1, 300) .. "\n") end
  end
end

function done(summary, latency, requests)
  local bad_total = 0
  for _, thread in ipairs(threads) do bad_total = bad_total + (thread:get("bad") or 0) end
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_us":%d,"p90_us":%d,"p99_us":%d,"max_us":%d,"bad":%d,"socket_errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
    bad_total, e.connect + e.read + e.write + e.timeout))
end
