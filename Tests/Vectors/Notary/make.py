"""Makes the envelopes that notation itself signs with local keys: six kinds of keys, both formats.

Usage: make.py FOLDER PATH-TO-NOTATION
"""
import hashlib, json, os, pathlib, shutil, subprocess, sys, tempfile
out = pathlib.Path(sys.argv[1]); notation = sys.argv[2]
work = pathlib.Path(tempfile.mkdtemp()); 
env = dict(os.environ, XDG_CONFIG_HOME=str(work/"config"), XDG_CACHE_HOME=str(work/"cache"), NOTATION_EXPERIMENTAL="1")
def sh(*a, **k): return subprocess.run(a, check=True, capture_output=True, env=env, **k)
kinds = {"rsa2048": ["-algorithm","RSA","-pkeyopt","rsa_keygen_bits:2048"], "rsa3072": ["-algorithm","RSA","-pkeyopt","rsa_keygen_bits:3072"],
 "rsa4096": ["-algorithm","RSA","-pkeyopt","rsa_keygen_bits:4096"], "ec256": ["-algorithm","EC","-pkeyopt","ec_paramgen_curve:P-256"],
 "ec384": ["-algorithm","EC","-pkeyopt","ec_paramgen_curve:P-384"], "ec521": ["-algorithm","EC","-pkeyopt","ec_paramgen_curve:P-521"]}
(work/"ext.cnf").write_text("""[req]
distinguished_name=dn
[dn]
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
[leaf]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=codeSigning
""")
sh("openssl","genpkey","-algorithm","EC","-pkeyopt","ec_paramgen_curve:P-256","-out",str(work/"root.key"))
sh("openssl","req","-new","-x509","-key",str(work/"root.key"),"-subj","/C=US/ST=WA/O=Example/CN=Fixture Root","-days","20000","-config",str(work/"ext.cnf"),"-extensions","ca","-out",str(work/"root.pem"))
keys=[]
for name, args in kinds.items():
    sh("openssl","genpkey",*args,"-out",str(work/f"{name}.key"))
    sh("openssl","req","-new","-key",str(work/f"{name}.key"),"-subj",f"/C=US/ST=WA/O=Example/CN={name} signer","-config",str(work/"ext.cnf"),"-out",str(work/f"{name}.csr"))
    sh("openssl","x509","-req","-in",str(work/f"{name}.csr"),"-CA",str(work/"root.pem"),"-CAkey",str(work/"root.key"),"-days","19000","-extfile",str(work/"ext.cnf"),"-extensions","leaf","-out",str(work/f"{name}.pem"))
    (work/f"{name}.chain.pem").write_text((work/f"{name}.pem").read_text()+(work/"root.pem").read_text())
    keys.append({"name":name,"keyPath":str(work/f"{name}.key"),"certPath":str(work/f"{name}.chain.pem")})
cfg=work/"config/notation"; cfg.mkdir(parents=True)
(cfg/"signingkeys.json").write_text(json.dumps({"default":"ec256","keys":keys}))
# an OCI layout with one empty image
lay=work/"layout"; (lay/"blobs/sha256").mkdir(parents=True)
def put(b):
    h=hashlib.sha256(b).hexdigest(); (lay/"blobs/sha256"/h).write_bytes(b); return "sha256:"+h,len(b)
cd,cs=put(b"{}")
man=json.dumps({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":cd,"size":cs},"layers":[]}).encode()
md,ms=put(man)
(lay/"oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
(lay/"index.json").write_text(json.dumps({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":md,"size":ms,"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}))
out.mkdir(parents=True, exist_ok=True)
seen=set((lay/"blobs/sha256").iterdir())
for name in kinds:
    for fmt in ("jws","cose"):
        extra=["-e","200000h","-m","build=42"] if name=="ec256" else []
        sh(notation,"sign","--key",name,"--signature-format",fmt,*extra,"--oci-layout",f"{lay}:v1")
        new=set((lay/"blobs/sha256").iterdir())-seen; seen|=new
        for f in new:
            try: m=json.loads(f.read_bytes())
            except Exception: continue
            if "layers" in m and m["layers"]:
                blob=lay/"blobs"/m["layers"][0]["digest"].replace(":","/")
                (out/f"{name}.{fmt}").write_bytes(blob.read_bytes())
(out/"artifact.txt").write_text(f"{md} {ms}\n")
shutil.copy(work/"root.pem",out/"root.pem")
