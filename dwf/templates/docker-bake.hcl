# This project's image, named as dwf names it. Into the local engine:
#   FINGERPRINT=$(dwf fingerprint) docker buildx bake
# Into the registry, for both processors:
#   FINGERPRINT=$(dwf fingerprint) docker buildx bake publish

variable "FINGERPRINT" {
  default = "local"
}

variable "IMAGE" {
  default = "{{image}}"
}

group "default" {
  targets = ["ci"]
}

target "ci" {
  context    = "."
  dockerfile = "{{dockerfile}}"
  tags       = ["${IMAGE}:${FINGERPRINT}"]
  labels = {
    "dwf.project"                    = "{{name}}"
    "dwf.fingerprint"                = "${FINGERPRINT}"
    "org.opencontainers.image.title" = "{{name}}"
  }
}

target "publish" {
  inherits  = ["ci"]
  platforms = ["linux/amd64", "linux/arm64"]
  output    = ["type=registry,oci-mediatypes=true,compression=zstd,force-compression=true"]
}
