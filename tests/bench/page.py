#!/usr/bin/env python3
"""What the page costs: how soon an event is on it, and whether 50 visitors disturb the sound. `make bench-page`.

    page.py BOX         the demo of this program, in real time, for half a minute without visitors and half a minute with them

Visitors are wrk's: 50 connections that ask for the start page as fast as they are answered. The lateness of the media loop's
ticks with them stands beside that without them, of the same run.
"""
import http.cookiejar, json, os, re, subprocess, sys, threading, time, urllib.parse, urllib.request

SECONDS = 25
VISITORS = 50
SOON_MS = 200


def ask(opener, url, data=None, headers={}):
    return opener.open(urllib.request.Request(url, data, headers), timeout=60)


def stream(opener, url, headers, each):
    """Calls `each` with the name and the data of every server-sent event, as it comes."""
    def read():
        try:
            name = ''
            for line in ask(opener, url, headers=headers):
                line = line.decode().rstrip('\n')
                if line.startswith('event: '):
                    name = line[7:]
                elif line.startswith('data: '):
                    each(name, line[6:])
        except OSError:
            pass
    threading.Thread(target=read, daemon=True).start()


def lateness(opener, page):
    text = ask(opener, page + '/metrics').read().decode()
    found = re.findall(r'^\w*tick_lateness_seconds_bucket\{le="([^"]+)"\} (\d+)', text, re.M)
    return [(float(bound), int(count)) for bound, count in found]


def share(before, after):
    """Of the ticks in between: how many, and which share was late by at most so many milliseconds."""
    counts = [(bound, after - before) for (bound, before), (_, after) in zip(before, after)]
    total = counts[-1][1] or 1
    return '%d ticks: ' % total + ', '.join('%.2f %% < %g ms' % (100 * n / total, b * 1e3) for b, n in counts if b <= 0.005)


def main(box):
    environment = {key: value for key, value in os.environ.items() if key not in ('DISPLAY', 'WAYLAND_DISPLAY')}
    demo = subprocess.Popen([box, 'demo'], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        told = ''
        while 'token: ' not in told:
            line = demo.stdout.readline()
            if not line:
                sys.exit('page.py: the demo has ended: ' + told)
            told += line
        threading.Thread(target=demo.stdout.read, daemon=True).start()
        page, password = re.search(r'page: (\S+)', told)[1], re.search(r'this once: (\S+)', told)[1]
        token = {'Authorization': 'Bearer ' + re.search(r'token: (\S+)', told)[1]}
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        ask(opener, page + '/login', urllib.parse.urlencode({'password': password}).encode()).read()
        plain = urllib.request.build_opener()
        happened, shown = [], []
        stream(plain, page + '/api/v1/events/stream', token, lambda name, data: happened.append(json.loads(data).get('at')))
        stream(opener, page + '/events', {}, lambda name, data: shown.append(time.time() * 1000))
        cookie = '; '.join('%s=%s' % (one.name, one.value) for one in jar)
        start = ask(opener, page + '/').read()
        weight = len(start)
        if b'Log out' not in start:
            sys.exit('page.py: the start page is not shown')
        parts = [lateness(plain, page)]
        time.sleep(SECONDS)
        parts.append(lateness(plain, page))
        quiet = len(happened)
        wrk = ['wrk', '-t', '2', '-c', str(VISITORS), '-d', '%ds' % SECONDS, '--timeout', '20s', '-H', 'Cookie: ' + cookie, page + '/']
        visited = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
        parts.append(lateness(plain, page))
    finally:
        demo.terminate()
        demo.wait()
    print('start page: %d bytes' % weight)
    print('without visitors: ' + share(parts[0], parts[1]))
    print('with %d: %s' % (VISITORS, share(parts[1], parts[2])))
    print(' '.join(re.search(r'Requests/sec:\s+\S+', visited)[0].split()) if 'Requests/sec' in visited else visited)
    # What the page was told first after each event.
    waits = [min((at - event for at in shown if at >= event), default=None) for event in happened if event]
    for name, some in ('without visitors', waits[:quiet]), ('with them', waits[quiet:]):
        some = sorted(wait for wait in some if wait is not None)
        if some:
            late = sum(wait > SOON_MS for wait in some)
            print('an event is on the page, %s: %d events, half within %.0f ms, the latest after %.0f ms, %d later than %d ms'
                  % (name, len(some), some[len(some) // 2], some[-1], late, SOON_MS))


if __name__ == '__main__':
    main(sys.argv[1])
