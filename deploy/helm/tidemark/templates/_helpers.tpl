{{- define "tidemark.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for "-migrate" behind it. */}}
{{- define "tidemark.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "tidemark.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "tidemark.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that never change in the life of a release: (list $ "api"). */}}
{{- define "tidemark.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "tidemark.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "tidemark.labels" -}}
{{- $root := index . 0 -}}
{{ include "tidemark.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tidemark.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "tidemark.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "tidemark.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "tidemark.secretName" -}}
{{- required "secret.name is required: the Secret with DATABASE_URL and TIDEMARK_SECRET_KEY" .Values.secret.name -}}
{{- end -}}

{{- define "tidemark.claimName" -}}
{{- default (printf "%s-blobs" (include "tidemark.fullname" .)) .Values.storage.volume.existingClaim -}}
{{- end -}}

{{- define "tidemark.publicUrl" -}}
{{- if or .Values.ingress.enabled .Values.httpRoute.enabled -}}
{{- required "publicUrl is required with an Ingress or HTTPRoute: registry clients are sent there for tokens" .Values.publicUrl -}}
{{- else -}}
{{- .Values.publicUrl -}}
{{- end -}}
{{- end -}}
