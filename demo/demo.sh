#!/bin/sh
# The whole story with real parts: registry, trust service, encrypted and signed image, sealed data, guest, result, and
# attacks that are refused. stdout is the story; everything else goes to build/demo.log.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
D=build/demo
LOG=$top/build/demo.log
COFFER_TOOLS=${COFFER_TOOLS:-$top/build/tools}
TEE=${TEE:-swtpm}
case $TEE in
sample | swtpm) ;;
*) echo "TEE=$TEE: sample or swtpm (a measured VM, emulated)"; exit 2 ;;
esac
PATH=$top/build:$PATH
export COFFER_PASSPHRASE_FILE=$D/passphrase
pids=

cleanup() {
	for p in $pids; do kill "$p" 2>/dev/null; done
	for p in $pids; do wait "$p" 2>/dev/null; done
}
trap cleanup EXIT
trap 'exit 130' INT TERM

die() {
	echo "FAILED: $*"
	echo "what the programs printed: build/demo.log"
	exit 1
}

persona() { printf '\n%s\n' "$1"; }

# as PARTY COMMAND...: shows the command, runs it as that party, shows its result.
as() {
	who=$1; shift
	printf '  $ COFFER_HOME=%s/%s %s\n' "$D" "$who" "$*"
	if ! COFFER_HOME=$D/$who "$@" >"$D/out" 2>"$D/err"; then
		cat "$D/out" "$D/err" >>"$LOG"
		tail -3 "$D/err"
		die "$*"
	fi
	cat "$D/err" >>"$LOG"
	sed 's/^/    /' "$D/out" | cut -c1-150 | head -${LINES_SHOWN:-4}
}

# alter FILE OFFSET: turns the byte there into another one; written over with a letter it would be that letter already, one time in 256.
alter() {
	printf "\\$(printf %03o $((255 - $(od -An -tu1 -j "$2" -N 1 "$1"))))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>>"$LOG"
}

# A plain command of the story, without a party's folder.
sh_step() {
	printf '  $ %s\n' "$1"
	sh -c "$1" >"$D/out" 2>>"$LOG" || die "$1"
	sed 's/^/    /' "$D/out" | head -4
}

free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { # url
	i=0
	until curl -sk -o "$D/null" "$1"; do
		i=$((i + 1))
		[ $i -lt 1200 ] || die "$1 does not answer"
		sleep 0.05
	done
}

# try N COMMAND...: begins what the host does against its guests; several run side by side. With which words each ends, `refused` tells.
try() {
	n=$1; shift
	echo "$*" >"$D/try$n.line"
	COFFER_HOME=$D/host "$@" --output "result=$D/host/r$n" >"$D/try$n.out" 2>"$D/try$n.err" &
	eval "try$n=$!"
	pids="$pids $!"
}

# ended N: waits until it has, the first time.
ended() {
	eval "rc=\${rc$1:-}"
	[ -z "$rc" ] || return 0
	eval "wait \$try$1"
	rc=$?
	eval "rc$1=$rc"
}

# tried N: shows its command, once it has ended; it must have left no output.
tried() {
	n=$1
	ended "$n"
	printf '  $ COFFER_HOME=%s/host %s\n' "$D" "$(cat "$D/try$n.line")"
	cat "$D/try$n.out" "$D/try$n.err" >>"$LOG"
	cp "$D/try$n.err" "$D/err"
	[ ! -e "$D/host/r$n" ] || die "attack $n left an output behind"
	attacks=$((attacks + 1))
}

# refused N CHECK WORDS: the command must fail with exactly that check and those words in the reason.
refused() {
	tried "$1"
	check=$2; words=$3
	line=$(grep -a '^refused: ' "$D/err" | tail -1)
	[ $rc = 1 ] || die "an attack ended with exit code $rc, not 1: $(tail -1 "$D/err")"
	case $line in
	"refused: $check: "*"$words"*) printf '    %s\n' "$(printf '%s' "$line" | cut -c1-330)" ;;
	*) die "an attack was refused for another reason than $check ($words): $line" ;;
	esac
}

start=$(date +%s)
rm -rf "$D"
mkdir -p "$D"
(umask 077; openssl rand -hex 16 >"$D/passphrase")
echo "== demo" >>"$LOG"

echo "Coffer: an encrypted, signed image runs in an attested guest and uses a data owner's secret."
[ "$TEE" = swtpm ] && echo "platform: swtpm (QEMU TCG, emulated: the host could forge it)"
echo "Platform: $TEE. It protects NOTHING: it shows the whole path on a machine without a TEE, and is accepted"
echo "below only because each owner names it. Commands can be repeated by hand from $top with PATH=build:\$PATH"
echo "and COFFER_PASSPHRASE_FILE=$D/passphrase."

persona "Every party: keys of its own"
as imaker coffer init --party imaker --persona image-provider
as hospital coffer init --party hospital --persona data-owner --key-type p256
as acme coffer init --party acme --persona workload-provider
as clinic coffer init --party clinic --persona end-user
if [ "$TEE" = swtpm ]; then # both are told below; they take a while
	{
		trap 'kill "$b" 2>/dev/null; exit 1' TERM
		COFFER_HOME=$D/acme coffer guest build -o "$D/guest" --cache "$COFFER_TOOLS/guest" >"$D/building" &
		b=$!
		wait "$b" || exit 1
		COFFER_HOME=$D/hospital coffer guest build -o "$D/again" --cache "$COFFER_TOOLS/guest" --lock "$D/guest/packages.lock" >"$D/rebuilding" &
		b=$!
		wait "$b"
	} 2>>"$LOG" &
	building=$!
	pids="$pids $building"
fi

persona "Trust-service operator: keys of the service; no power over anyone's assets comes with them"
cat >"$D/cofferd.toml" <<EOF
id = "trust"
listen = "127.0.0.1:0"
state = "$top/$D/cofferd"
genesis = "$top/$D/genesis.json"
EOF
sh_step "cofferd keygen --config $D/cofferd.toml > $D/service.json"

persona "Founders: one genesis, signed by each; everyone is given its digest"
as acme coffer genesis new --origin demo.internal/ledger --service "$D/service.json" --out "$D/genesis.json" \
    "$D/imaker/party.json" "$D/hospital/party.json" "$D/acme/party.json" "$D/clinic/party.json"
for p in imaker hospital acme clinic; do as $p coffer genesis sign "$D/genesis.json"; done
genesis=$(coffer genesis show --json "$D/genesis.json" | jq -r .genesis)
echo "genesis-digest = \"$genesis\"" >>"$D/cofferd.toml"

persona "Trust-service operator: starts the service"
echo "  \$ cofferd --config $D/cofferd.toml &"
cofferd --config "$D/cofferd.toml" >>"$LOG" 2>&1 &
pids="$pids $!"
i=0
until [ -s "$D/cofferd/address" ]; do
	i=$((i + 1)); [ $i -lt 200 ] || die "cofferd does not start"
	sleep 0.05
done
url=https://$(cat "$D/cofferd/address")
wait_for "$url/healthz"
persona "Host (untrusted): all that its guests say to the service goes through its hands"
mkdir -p "$D/host"
echo "  \$ demo/wire.py ${url#https://} $D/host/orders &"
demo/wire.py "${url#https://}" "$D/host/orders" >"$D/wire" 2>>"$LOG" &
pids="$pids $!"
i=0
until [ -s "$D/wire" ]; do
	i=$((i + 1)); [ $i -lt 200 ] || die "the host's wire does not start"
	sleep 0.05
done
persona "Every party: trusts this genesis, and finds the service there; the provider names the way that guests have to it"
for p in imaker hospital clinic; do as $p coffer genesis use "$D/genesis.json" --service "$url"; done
as acme coffer genesis use "$D/genesis.json" --service "https://$(cat "$D/wire")"

persona "Workload Provider: designates the service; from here on every client checks its keys up to the genesis"
as acme coffer service sign "$D/service.json"
LINES_SHOWN=6 as hospital coffer status

persona "A newcomer, introduced by a founder: it gets a namespace of its own and power over that alone"
as rival coffer init --party rival --persona workload-provider --persona end-user
as rival coffer genesis use "$D/genesis.json" --service "$url"
as rival coffer party request --out "$D/rival.json"
key=$(sed -n 's/^who admits it asks you whether this is yours: key //p' "$D/err") # told over another way than the file comes
as acme coffer party admit "$D/rival.json" --key "$key"

persona "Registry operator (untrusted): a real registry"
reg=127.0.0.1:$(free_port)
cat >"$D/registry.yml" <<EOF
version: 0.1
storage: {filesystem: {rootdirectory: $D/registry}, delete: {enabled: true}}
http: {addr: $reg}
log: {level: error}
EOF
echo "  \$ docker-registry serve $D/registry.yml &"
"$COFFER_TOOLS/usr/bin/docker-registry" serve "$D/registry.yml" >>"$LOG" 2>&1 &
pids="$pids $!"
wait_for "http://$reg/v2/"

persona "Image Provider: builds an image from Debian packages, encrypts, signs and publishes it"
sh_step "demo/make-image.sh $COFFER_TOOLS/debs $D/plain"
sh_step "openssl rand -out $D/image.key 32"
as imaker coffer asset put kbs:///imaker/image-key/risk --file "$D/image.key"
as imaker coffer image encrypt "$D/plain:risk" "$D/encrypted:risk" --kid kbs:///imaker/image-key/risk --key-file "$D/image.key"
as imaker coffer image push "$D/encrypted:risk" "$reg/imaker/risk:1" --plain-http
coffer image push "$D/encrypted:risk" "$reg/imaker/risk@sha256:$(printf '0%.0s' $(seq 64))" --plain-http >>"$LOG" 2>&1 && die "an image was pushed under another's digest"
image=$reg/imaker/risk@$(coffer image inspect --json "$D/encrypted:risk" | jq -r .digest)
as imaker coffer image sign "$image" --plain-http
as imaker coffer image release "$image" --key kbs:///imaker/image-key/risk

persona "Data Owner: seals its file; the key goes to the trust service under its own name"
sh_step "demo/data.sh > $D/patients.csv"
as hospital coffer data seal "$D/patients.csv" --asset kbs:///hospital/data-key/patients --key-out "$D/patients.key" --out "$D/patients.sealed"
as hospital coffer asset put kbs:///hospital/data-key/patients --type key --file "$D/patients.key"
echo "-- for research only, St. Elsewhere" >"$D/footer"
sh_step "COFFER_HOME=$D/hospital coffer asset put kbs:///hospital/note/footer < $D/footer"
as hospital coffer asset list

persona "Owners: the strict policy that ships would refuse this platform; each names it for its own assets"
as hospital coffer asset policy kbs:///hospital/data-key/patients demo/$TEE.rego
as hospital coffer asset policy kbs:///hospital/note/footer demo/$TEE.rego
as imaker coffer asset policy kbs:///imaker/image-key/risk demo/$TEE.rego
sh_step "rm $D/image.key $D/patients.key"

vm=
boot=
if [ "$TEE" = swtpm ]; then
	persona "Workload Provider: builds the guest image, and says what it launches as; nothing is booted for that"
	echo "  \$ COFFER_HOME=$D/acme coffer guest build -o $D/guest --cache $COFFER_TOOLS/guest"
	wait "$building" || die "coffer guest build: $(cat "$D/building" "$D/rebuilding" 2>/dev/null | tail -1)"
	head -4 "$D/building" | cut -c1-150 | sed 's/^/    /'
	as acme coffer boot-image publish "$D/guest/boot-image.json"
	persona "Data Owner: builds the image again, in another folder, and compares it to the byte"
	echo "  \$ COFFER_HOME=$D/hospital coffer guest build -o $D/again --cache $COFFER_TOOLS/guest --lock $D/guest/packages.lock"
	sh_step "diff -r $D/guest $D/again && echo the same"
	vm="--image $D/guest"
	boot="--boot-image $(COFFER_HOME=$D/acme coffer boot-image list --json | jq -r '.[0].id')"
fi

persona "Workload Provider: one manifest for the whole pod; its digest will be measured"
sed -e "s|@IMAGE@|$image|; s|@SEALED@|$top/$D/patients.sealed|; s|@REGISTRY@|$reg|; s|platforms: \[sample\]|platforms: [$TEE]|" demo/pod.yaml >"$D/pod.yaml"
as acme coffer workload build "$D/pod.yaml" --out "$D/risk"
as acme coffer workload publish "$D/risk/manifest.json"
workload=$(coffer workload show --file "$D/risk/manifest.json" --json | jq -r .digest)
shown=$(coffer workload show --file "$D/risk/manifest.json" --json | jq -r .shown)

persona "Data Owner and Image Provider: read what would run, and approve exactly that"
LINES_SHOWN=30 as hospital coffer workload show acme/risk
as hospital coffer approve "$workload" --shown "$shown" --asset kbs:///hospital/data-key/patients --asset kbs:///hospital/note/footer --platform $TEE $boot
as imaker coffer approve "$workload" --shown "$shown" --asset kbs:///imaker/image-key/risk --platform $TEE $boot

# The host's attempts are told one by one; what does not get in another's way boots beside it.
attacks=0
if [ "$TEE" = swtpm ]; then
	# Each guest has one thing changed, boots, and is held against the boot image that the owners approved.
	for part in cmdline vmlinuz initrd.img firmware.fd; do
		mkdir -p "$D/host/$part"
		cp "$D/guest/firmware.fd" "$D/guest/vmlinuz" "$D/guest/initrd.img" "$D/guest/cmdline" "$D/guest/boot-image.json" "$D/host/$part/"
	done
	printf ' systemd.debug-shell' >>"$D/host/cmdline/cmdline"
	printf 'X' >>"$D/host/vmlinuz/vmlinuz"
	head -c 4096 /dev/zero >>"$D/host/initrd.img/initrd.img"
	if [ -z "${DEMO_SHORT:-}" ]; then # it is packed anew, which takes a while
		demo/other-firmware.py "$D/guest/firmware.fd" "$D/host/firmware.fd/firmware.fd" 2>>"$LOG" &
		other_firmware=$!
		pids="$pids $other_firmware"
	fi
fi

persona "Orchestration Operator: runs the annotated pod; it holds no secret"
[ "$TEE" = sample ] || [ -n "${DEMO_SHORT:-}" ] || try 9 coffer run --image "$D/host/cmdline" "$D/risk/pod.yaml"
as host coffer run $vm "$D/risk/pod.yaml" --output "result=$D/host/result.sealed"
[ -z "$vm" ] || grep -a '^coffer run: register' "$D/err" | cut -c1-150 | sed 's/^/    /'

persona "End User: opens the result, sealed to its key by the guest"
LINES_SHOWN=10 as clinic coffer result open "$D/host/result.sealed" --workload "$workload"
cp "$D/out" "$D/result"

persona "Check: the same figures, computed independently from the owner's file"
{
	/usr/bin/python3 - "$D/patients.csv" <<'PY'
import csv, sys
rows = [int(r["risk"]) for r in csv.DictReader(open(sys.argv[1]))]
print("patients %d\nmean risk %.2f\nhigh risk %d" % (len(rows), sum(rows) / len(rows), sum(r > 70 for r in rows)))
PY
	cat "$D/footer"
} >"$D/expected"
cmp -s "$D/expected" "$D/result" || die "the result differs from the one computed independently"
echo "    equal"
for f in "$D/host" "$D/risk" "$D/patients.sealed" "$D/registry" "$D/cofferd"; do
	grep -raqF -e "mean risk" -e "patient-000" -e "St. Elsewhere" "$f" && die "clear text of the data or the result lies in $f"
done
echo "    nothing of data or result lies in clear in what host, registry or service hold on disk"

if [ "$TEE" = swtpm ]; then
	persona "Data Owner: the receipt of that release has the quote that the service went by; decided again by it, offline"
	decision=$(COFFER_HOME=$D/hospital coffer decisions --json 2>>"$LOG" | jq -r '[.decisions[] | select(.outcome == "released" and .asset == "kbs:///hospital/data-key/patients")][0].decision')
	as hospital coffer receipt get "$decision" --out "$D/patients.receipt"
	LINES_SHOWN=1 as hospital coffer receipt verify "$D/patients.receipt"
	awk '/^what was booted/ { on = 1; print "    " $0; next } on && /^  / { print "    " $0; next } { on = 0 }' "$D/out"
	[ "$(grep -c '^  pcr.. .*quoted' "$D/out")" = 7 ] && [ "$(grep -c ': the same$' "$D/out")" = 6 ] || die "the quote's registers are not those predicted"
fi

[ -z "${DEMO_SHORT:-}" ] || { echo "The result is right ($(($(date +%s) - start)) s)."; exit 0; }

persona "Attack 1: the registry alters the image"
blob=$(find "$D/registry" -path '*/blobs/*/data' -size +100k | head -1)
cp "$blob" "$D/blob.good"
alter "$blob" 5000
try 1 coffer run $vm "$D/risk/pod.yaml"
[ "$TEE" = sample ] || try 10 coffer run --image "$D/host/vmlinuz" "$D/risk/pod.yaml"
# The rival's workload; and what the host puts in the place of the measured manifest: its own, in which the container prints the data.
mkdir -p "$D/spy" "$D/host/own"
sed -e 's|name: risk|name: spy|; s|to: clinic|to: rival|' "$D/pod.yaml" >"$D/spy/pod.yaml"
COFFER_HOME=$D/rival coffer workload build "$D/spy/pod.yaml" --out "$D/spy/spy" >>"$LOG" 2>&1 && COFFER_HOME=$D/rival coffer workload publish "$D/spy/spy/manifest.json" >>"$LOG" 2>&1 || die "the rival's workload"
foreign=R9 # where a boot image counts, it has to be approved first
[ "$TEE" = sample ] || { foreign=R5; COFFER_HOME=$D/rival coffer boot-image publish "$D/guest/boot-image.json" >>"$LOG" 2>&1 || die "the rival's boot image"; }
sed -e 's|"/bin/risk"|"/bin/cat", "/data/patients.csv"|; s|logs: \[\]|logs: [analyse]|' "$D/pod.yaml" >"$D/host/own/pod.yaml"
COFFER_HOME=$D/acme coffer workload build "$D/host/own/pod.yaml" --out "$D/host/own/risk" >>"$LOG" 2>&1 || die "the host's own initdata"
refused 1 digest "are not that blob"
cp "$D/blob.good" "$blob"

persona "Attack 2: the registry swaps the image's signature for a stranger's"
tag=$D/registry/docker/registry/v2/repositories/imaker/risk/_manifests/tags/$(printf '%s' "${image#*@}" | tr : -).sig
[ -d "$tag" ] || die "the signature's tag is not where this registry keeps tags"
mv "$tag" "$D/signature.good"
sed -e 's|"/bin/risk"|"/bin/cat"|' "$D/risk/pod.yaml" >"$D/host/changed.yaml"
cmp -s "$D/risk/pod.yaml" "$D/host/changed.yaml" && die "the attack changed nothing"
try 5 coffer run $vm "$D/host/changed.yaml"
as stranger coffer init --party stranger --persona image-provider
as stranger coffer image sign "$image" --plain-http
try 2 coffer run $vm "$D/risk/pod.yaml"
refused 2 signature "none is by the policy's key"
rm -r "$tag" && mv "$D/signature.good" "$tag"
try 4 coffer run $vm "$D/spy/spy/pod.yaml"

persona "Attack 3: the provider's next version, which no owner has approved"
mkdir -p "$D/v2"
sed -e 's|"/bin/risk"|"/bin/sh", "-c", "cat /data/patients.csv > /out/result.txt"|' "$D/pod.yaml" >"$D/v2/pod.yaml"
as acme coffer workload build "$D/v2/pod.yaml" --out "$D/v2/risk"
as acme coffer workload publish "$D/v2/risk/manifest.json"
try 3 coffer run $vm "$D/v2/risk/pod.yaml"
refused 3 R9 "not approved"
try 6 coffer run $vm "$D/host/own/risk/pod.yaml"
sed -e "s|$top/$D/patients.sealed|$top/$D/host/patients.sealed|" "$D/risk/pod.yaml" >"$D/host/disk.yaml"
cp "$D/patients.sealed" "$D/host/patients.sealed"
alter "$D/host/patients.sealed" 1000
try 7 coffer run $vm "$D/host/disk.yaml"

persona "Attack 4: another party's workload, built, published and booted like the provider's, asks for the owner's key"
refused 4 $foreign "it can with: coffer approve"

persona "Attack 5: the host changes the container's command"
refused 5 gate "args"

persona "Image Provider, meanwhile: an image that skopeo encrypted (JWE) is to run as well; its private key is the asset"
sh_step "openssl genrsa -out $D/jwe.pem 2048 && openssl rsa -in $D/jwe.pem -pubout -out $D/jwe.pub"
sh_step "skopeo --insecure-policy copy --encryption-key jwe:$D/jwe.pub --dest-tls-verify=false oci:$D/plain:risk docker://$reg/imaker/risk:skopeo"
image2=$reg/imaker/risk@sha256:$(skopeo inspect --raw --tls-verify=false "docker://$reg/imaker/risk:skopeo" | sha256sum | cut -d' ' -f1)
as imaker coffer asset put kbs:///imaker/image-key/skopeo --file "$D/jwe.pem" --policy demo/$TEE.rego
as imaker coffer image sign "$image2" --plain-http
as imaker coffer image release "$image2" --key kbs:///imaker/image-key/skopeo
persona "Workload Provider and owners: the same pod of that other image"
mkdir -p "$D/jwe"
sed -e "s|$image|$image2|" "$D/pod.yaml" >"$D/jwe/pod.yaml"
as acme coffer workload build "$D/jwe/pod.yaml" --out "$D/jwe/risk"
as acme coffer workload publish "$D/jwe/risk/manifest.json"
other=$(coffer workload show --file "$D/jwe/risk/manifest.json" --json | jq -r .digest)
as hospital coffer approve "$other" --yes --asset kbs:///hospital/data-key/patients --asset kbs:///hospital/note/footer --platform $TEE $boot --uses 2
as imaker coffer approve "$other" --yes --asset kbs:///imaker/image-key/skopeo --platform $TEE $boot

persona "Attack 6: the host puts other initdata in its place, in which the container prints the data"
refused 6 policy "gives no right to that resource"
# The wire turns bits of this guest alone; the pod of the other image speaks by the same wire.
echo "turn $D/host/r8" >"$D/host/orders"
try 8 coffer run $vm "$D/risk/pod.yaml"
COFFER_HOME=$D/host coffer run $vm "$D/jwe/risk/pod.yaml" --output "result=$D/host/jwe.sealed" >>"$LOG" 2>&1 &
second=$!
pids="$pids $second"

persona "Attack 7: the host alters the owner's file on its disk"
refused 7 seal "the sealed bytes were changed"
[ "$TEE" = sample ] || try 11 coffer run --image "$D/host/initrd.img" "$D/risk/pod.yaml"

persona "Workload Provider, meanwhile: a pod that holds on to what it was given; the owners approve it too"
mkdir -p "$D/held"
sed -e 's|name: risk|name: held|; s|"/bin/risk"|"/bin/sh", "-c", "wget -q -O /dev/null http://127.0.0.1:8006/cdh/resource/hospital/note/footer \&\& echo holding; while :; do sleep 1; done"|' \
    -e 's|logs: \[\]|logs: [analyse]|' "$D/pod.yaml" >"$D/held/pod.yaml"
as acme coffer workload build "$D/held/pod.yaml" --out "$D/held/risk"
as acme coffer workload publish "$D/held/risk/manifest.json"
held=$(coffer workload show --file "$D/held/risk/manifest.json" --json | jq -r .digest)
as hospital coffer approve "$held" --yes --asset kbs:///hospital/data-key/patients --asset kbs:///hospital/note/footer --platform $TEE $boot
as imaker coffer approve "$held" --yes --asset kbs:///imaker/image-key/risk --platform $TEE $boot
consent=$(COFFER_HOME=$D/hospital coffer approvals --json 2>>"$LOG" | jq -r --arg w "$held" '[.. | objects | select(.workload? == $w)][0].id')

persona "Attack 8: the host alters evidence on its way to the service"
tried 8
[ "$rc" = 4 ] && tail -1 "$D/err" | grep -q "closed in the middle" || die "changed bytes on the wire ended with $rc: $(tail -1 "$D/err")"
echo "    the service hangs up on a record that does not verify: $(tail -1 "$D/err" | cut -c1-200)"
if [ "$TEE" = swtpm ]; then
	wait "$other_firmware" || die "another firmware"
	try 12 coffer run --image "$D/host/firmware.fd" "$D/risk/pod.yaml"
fi

if [ "$TEE" = swtpm ]; then
	persona "Attack 9: the host boots the guest with another command line"
	refused 9 R5 "what was booted is none of"
	grep -a '^coffer run: register pcr09' "$D/err" | cut -c1-130 | sed 's/^/    /'
	persona "Attack 10: the host boots another kernel: one byte more"
	refused 10 R5 "what was booted is none of"
	grep -a '^coffer run: register pcr04' "$D/err" | cut -c1-130 | sed 's/^/    /'
	persona "Attack 11: the host boots another initrd"
	refused 11 R5 "what was booted is none of"
	grep -a '^coffer run: register pcr09' "$D/err" | cut -c1-130 | sed 's/^/    /'
	persona "Attack 12: the host boots the right kernel and initrd with another firmware"
	refused 12 R5 "what was booted is none of"
	grep -a '^coffer run: register pcr00' "$D/err" | cut -c1-130 | sed 's/^/    /'
fi

persona "And the proper action still works, beside it on the same wire: the pod of that other image. End User: opens the second result"
echo "  \$ COFFER_HOME=$D/host coffer run $vm $D/jwe/risk/pod.yaml --output result=$D/host/jwe.sealed"
wait "$second" || die "the pod of the image that skopeo encrypted"
COFFER_HOME=$D/clinic coffer result open "$D/host/jwe.sealed" --workload "$other" >"$D/out" 2>>"$LOG" || die "opening the second result"
cmp -s "$D/expected" "$D/out" || die "the second result differs"
COFFER_HOME=$D/clinic coffer result open --json "$D/host/jwe.sealed" --workload "$other" 2>>"$LOG" | jq -r .data | base64 -d >"$D/out"
cmp -s "$D/expected" "$D/out" || die "the second result differs in its JSON form"
echo "    equal to the first"

# hold N: starts the pod, from a file of its own, by which the wire knows it.
hold() {
	cp "$D/held/risk/pod.yaml" "$D/host/held$1.yaml"
	echo "  \$ COFFER_HOME=$D/host coffer run $vm $D/host/held$1.yaml &"
	COFFER_HOME=$D/host coffer run $vm "$D/host/held$1.yaml" >"$D/held$1.out" 2>"$D/held$1.err" &
	eval "try_held$1=$!"
	pids="$pids $!"
}

# holds N: waits until it holds the note.
holds() {
	eval "running=\$try_held$1"
	until grep -qs holding "$D/held$1.out"; do
		kill -0 "$running" 2>/dev/null || { cat "$D/held$1.err" >>"$LOG"; die "the pod that should hold the note ended"; }
		sleep 0.1
	done
}

# lapsed N REASON: the guest stops the container itself, and says why.
lapsed() {
	eval "wait \$try_held$1"
	code=$?
	cat "$D/held$1.err" >>"$LOG"
	[ $code = 6 ] || die "the pod ended with $code, not because a lease lapsed"
	grep "coffer-agent: lease: container analyse: .*$2" "$D/held$1.err" | head -1 | cut -c1-150 | sed 's/^/    /'
	grep -q "lease: container analyse: .*$2" "$D/held$1.err" || die "the guest gives another reason"
}

persona "Leases: two pods run on only while their guests hear that they may"
as hospital coffer asset policy kbs:///hospital/note/footer --lease 1,1,4
hold 1
hold 2

persona "The host: cuts the first of them off from the trust service"
holds 1
echo "  \$ echo cut $D/host/held1.yaml > $D/host/orders"
echo "cut $D/host/held1.yaml" >"$D/host/orders"

persona "Data Owner, meanwhile: takes its consent back while the second runs; its guest hears of it"
holds 2
as hospital coffer revoke "$consent" --reason "no longer"
lapsed 2 "is revoked (R11"

persona "The first hears nothing; what it held of assets with short leases is gone"
lapsed 1 "said nothing of kbs:///hospital/note/footer"

printf '\nThe result is right and %d of %d attacks were refused for their stated reasons (%s s).\n' $attacks $attacks "$(($(date +%s) - start))"
