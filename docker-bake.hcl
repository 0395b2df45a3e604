# The images that we publish, each for both processors:
#   REGISTRY=registry.example.org/devflow FINGERPRINT=$(dwf fingerprint) docker buildx bake --push
# And `ci`, which the gate of this repository runs in, for the local engine:
#   FINGERPRINT=$(dwf fingerprint) docker buildx bake ci

variable "FINGERPRINT" {
  default = "local"
}

variable "REGISTRY" {
  default = "localhost/devflow"
}

group "default" {
  targets = ["base", "rust", "node", "python"]
}

target "published" {
  context   = "."
  platforms = ["linux/amd64", "linux/arm64"]
  labels = {
    "dwf.fingerprint"                  = "${FINGERPRINT}"
    "org.opencontainers.image.version" = "${FINGERPRINT}"
  }
  output = ["type=image,oci-mediatypes=true,compression=zstd,force-compression=true"]
}

target "base" {
  inherits   = ["published"]
  dockerfile = "oci/Dockerfile"
  tags       = ["${REGISTRY}/base:${FINGERPRINT}"]
}

target "rust" {
  inherits   = ["published"]
  dockerfile = "ext-rust/Dockerfile"
  contexts   = { base = "target:base" }
  tags       = ["${REGISTRY}/rust:${FINGERPRINT}"]
}

target "node" {
  inherits   = ["published"]
  dockerfile = "ext-node/Dockerfile"
  contexts   = { base = "target:base" }
  tags       = ["${REGISTRY}/node:${FINGERPRINT}"]
}

target "python" {
  inherits   = ["published"]
  dockerfile = "ext-python/Dockerfile"
  contexts   = { base = "target:base" }
  tags       = ["${REGISTRY}/python:${FINGERPRINT}"]
}

target "ci" {
  context    = "."
  dockerfile = ".ci/Dockerfile"
  tags       = ["${REGISTRY}/devflow:${FINGERPRINT}"]
}
