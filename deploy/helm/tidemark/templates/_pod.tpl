{{/* The pod security standard "restricted". 1000 is the user of the image. */}}
{{- define "tidemark.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "tidemark.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "tidemark.databaseEnv" -}}
- name: DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ include "tidemark.secretName" . }}, key: DATABASE_URL } }
{{- end -}}

{{- define "tidemark.temporalEnv" -}}
- name: TEMPORAL_ADDRESS
  value: {{ required "temporal.address is required: host:port of the Temporal server" .Values.temporal.address | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ .Values.temporal.namespace | quote }}
- name: TEMPORAL_API_KEY
  valueFrom: { secretKeyRef: { name: {{ include "tidemark.secretName" . }}, key: TEMPORAL_API_KEY, optional: true } }
{{- end -}}

{{/* What the API and the workers share. */}}
{{- define "tidemark.env" -}}
{{- $secret := include "tidemark.secretName" . -}}
{{ include "tidemark.databaseEnv" . }}
{{ include "tidemark.temporalEnv" . }}
{{- range list "TIDEMARK_OIDC_CLIENT_SECRET" "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ . }}
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ . }}, optional: true } }
{{- end }}
- name: TIDEMARK_SECRET_KEY_FILE
  value: /run/secrets/tidemark/secret_key
- name: TIDEMARK_DATA
  value: /data
- name: TIDEMARK_CACHE
  value: /tmp/cache
{{- with .Values.temporal.uiUrl }}
- name: TEMPORAL_UI_URL
  value: {{ . | quote }}
{{- end }}
{{- with include "tidemark.publicUrl" . }}
- name: TIDEMARK_PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- if eq .Values.storage.type "s3" }}
- name: TIDEMARK_BLOBS
  value: {{ required "storage.s3.url is required with storage.type s3" .Values.storage.s3.url | quote }}
{{- end }}
{{- if .Values.metrics.enabled }}
- name: TIDEMARK_METRICS_ADDRESS
  value: 0.0.0.0:{{ .Values.metrics.port }}
{{- end }}
{{ include "tidemark.settings" . | trim }}
{{- end -}}

{{- define "tidemark.settings" -}}
{{- range $name, $value := .Values.settings }}
{{- /* A large number would be printed with an exponent. */}}
- name: {{ $name }}
  value: {{ if kindIs "float64" $value }}{{ int64 $value | toString | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end -}}

{{- define "tidemark.volumeMounts" -}}
- { name: data, mountPath: /data }
- { name: tmp, mountPath: /tmp }
- { name: secret-key, mountPath: /run/secrets/tidemark, readOnly: true }
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tidemark.volumes" -}}
- name: data
{{- if eq .Values.storage.type "s3" }}
  emptyDir: { sizeLimit: {{ .Values.storage.s3.scratchSize }} }
{{- else }}
  persistentVolumeClaim: { claimName: {{ include "tidemark.claimName" . }} }
{{- end }}
- name: tmp
  emptyDir: {}
- name: secret-key
  secret:
    secretName: {{ include "tidemark.secretName" . }}
    # Readable for the group of the pod.
    defaultMode: 0440
    items: [{ key: TIDEMARK_SECRET_KEY, path: secret_key }]
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Placement and life of a pod: (list $ "api"). */}}
{{- define "tidemark.podSpec" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $own := index $root.Values $component -}}
automountServiceAccountToken: false
terminationGracePeriodSeconds: {{ $own.terminationGracePeriodSeconds }}
securityContext:
  {{- include "tidemark.podSecurity" $root | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
