"""pjsua2 as one phone: takes commands on its standard input, one JSON list a line, and tells what happens on its output,
one JSON object a line. Started by pjsua.rs, which says who it is in the first line."""
import json
import os
import sys
import threading

import pjsua2 as pj

lock = threading.Lock()


def tell(event, **what):
    with lock:
        sys.stdout.write(json.dumps({"event": event, **what}) + "\n")
        sys.stdout.flush()


class Call(pj.Call):
    def __init__(self, account, phone, identity=pj.PJSUA_INVALID_ID):
        super().__init__(account, identity)
        self.phone, self.connected = phone, False

    def onCallState(self, _):
        info = self.getInfo()
        tell("state", state=info.stateText, code=int(info.lastStatusCode), remote=info.remoteUri)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED and self in self.phone.calls:
            self.phone.calls.remove(self)
            # A call must not vanish while the library speaks of it.
            self.phone.past.append(self)

    def onCallMediaState(self, _):
        # Held, for what is in it lives no longer than itself.
        info = self.getInfo()
        for number, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status != pj.PJSUA_CALL_MEDIA_NONE:
                tell("media", status=int(media.status))
                if media.status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD):
                    sound = self.getAudioMedia(number)
                    self.phone.player.startTransmit(sound)
                    sound.startTransmit(self.phone.recorder)

    def onCallTransferStatus(self, status):
        tell("transfer", code=int(status.statusCode), final=bool(status.finalNotify))
        if status.finalNotify and status.statusCode // 100 == 2:
            self.hangup(pj.CallOpParam(True))

    def onDtmfDigit(self, digit):
        tell("digit", digit=digit.digit)


class Account(pj.Account):
    def __init__(self, phone):
        super().__init__()
        self.phone = phone

    def onRegState(self, state):
        tell("registration", code=int(state.code), reason=state.reason, seconds=int(state.expiration))

    def onIncomingCall(self, incoming):
        call = Call(self, self.phone, incoming.callId)
        self.phone.calls.append(call)
        ringing = pj.CallOpParam()
        ringing.statusCode = 180
        call.answer(ringing)
        tell("ring", remote=call.getInfo().remoteUri)


class Phone:
    def __init__(self, who):
        self.calls, self.past = [], []
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        config = pj.EpConfig()
        config.logConfig.filename = who["log"]
        config.logConfig.level = 5
        config.logConfig.consoleLevel = 0
        config.medConfig.noVad = True
        config.medConfig.ecTailLen = 0
        config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
        config.uaConfig.threadCnt = 1
        self.endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.boundAddress, transport.port = who["ip"], who["port"]
        if who["transport"] == "tls":
            transport.tlsConfig.CaListFile = who["root"]
            transport.tlsConfig.certFile, transport.tlsConfig.privKeyFile = who["cert"], who["key"]
            transport.tlsConfig.verifyServer = True
        kind = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}
        self.endpoint.transportCreate(kind[who["transport"]], transport)
        self.endpoint.libStart()
        # No sound card: the bridge is clocked by itself.
        self.endpoint.audDevManager().setNullDev()
        for codec in self.endpoint.codecEnum2():
            self.endpoint.codecSetPriority(codec.codecId, 128 if codec.codecId == who["codec"] else 0)
        self.player, self.recorder = pj.AudioMediaPlayer(), pj.AudioMediaRecorder()
        self.player.createPlayer(who["microphone"])
        self.recorder.createRecorder(who["heard"])
        self.target, self.suffix = who["registrar"], ";transport=" + who["transport"]
        account = pj.AccountConfig()
        account.idUri = "sip:%s@%s" % (who["user"], self.target)
        account.regConfig.registrarUri = "sip:%s%s" % (self.target, self.suffix)
        account.regConfig.timeoutSec = 60
        account.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", who["user"], 0, who["password"]))
        account.mediaConfig.transportConfig.boundAddress = who["ip"]
        account.mediaConfig.transportConfig.port = who["rtp"]
        self.account = Account(self)
        self.account.create(account)

    def call(self):
        return self.calls[-1]

    def do(self, command, *what):
        parameters = pj.CallOpParam(True)
        if command == "dial":
            call = Call(self.account, self)
            self.calls.append(call)
            call.makeCall("sip:%s@%s%s" % (what[0], self.target, self.suffix), parameters)
        elif command == "accept":
            parameters.statusCode = 200
            self.call().answer(parameters)
        elif command == "hangup":
            self.call().hangup(parameters)
        elif command == "hold":
            self.call().setHold(parameters)
        elif command == "resume":
            parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
            self.call().reinvite(parameters)
        elif command == "keys":
            self.call().dialDtmf(what[0])
        elif command == "transfer":
            self.call().xfer(what[0], parameters)


def main():
    phone = Phone(json.loads(sys.stdin.readline()))
    tell("ready")
    for line in sys.stdin:
        try:
            phone.do(*json.loads(line))
        except (pj.Error, IndexError) as error:
            tell("error", why=str(error))
    # What it has heard is on the disk already; the library's own end takes long and says nothing.
    os._exit(0)


main()
