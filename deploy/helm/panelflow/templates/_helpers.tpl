{{- define "panelflow.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end -}}
{{- end }}

{{- define "panelflow.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "panelflow.labels" -}}
{{ include "panelflow.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "panelflow.account" -}}
{{ .Values.serviceAccount.name | default (ternary (include "panelflow.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{/* What every pod knows of the server and the store. */}}
{{- define "panelflow.env" -}}
{{- with .Values.temporal -}}
- { name: TEMPORAL_ADDRESS, value: {{ .address | quote }} }
- { name: TEMPORAL_NAMESPACE, value: {{ .namespace | quote }} }
{{- if .apiKey.secret }}
- name: TEMPORAL_API_KEY
  valueFrom: { secretKeyRef: { name: {{ .apiKey.secret }}, key: {{ .apiKey.key }} } }
{{- end }}
{{- if .payloadKey.secret }}
- name: PANELFLOW_PAYLOAD_KEY
  valueFrom: { secretKeyRef: { name: {{ .payloadKey.secret }}, key: {{ .payloadKey.key }} } }
{{- end }}
{{- if .tls.enabled }}
- { name: TEMPORAL_TLS, value: "true" }
{{- if .tls.serverName }}
- { name: TEMPORAL_TLS_SERVER_NAME, value: {{ .tls.serverName | quote }} }
{{- end }}
{{- if .tls.secret }}
{{- with .tls.files.ca }}
- { name: TEMPORAL_TLS_SERVER_CA_CERT_PATH, value: /etc/panelflow/tls/{{ . }} }
{{- end }}
{{- with .tls.files.cert }}
- { name: TEMPORAL_TLS_CLIENT_CERT_PATH, value: /etc/panelflow/tls/{{ . }} }
{{- end }}
{{- with .tls.files.key }}
- { name: TEMPORAL_TLS_CLIENT_KEY_PATH, value: /etc/panelflow/tls/{{ . }} }
{{- end }}
{{- end }}
{{- end }}
{{- end }}
- { name: PANELFLOW_WORK, value: {{ .Values.store.work | quote }} }
- { name: PANELFLOW_CACHE_LIMIT, value: {{ .Values.cacheLimit | quote }} }
- { name: PANELFLOW_ALLOW_PATHS, value: {{ .Values.allow.paths | default (list .Values.store.work) | join "," | quote }} }
- { name: PANELFLOW_ALLOW_HOSTS, value: {{ .Values.allow.hosts | default (list "none") | join "," | quote }} }
{{- with .Values.store.endpoint }}
- { name: AWS_ENDPOINT_URL_S3, value: {{ . | quote }} }
{{- end }}
{{- with .Values.store.region }}
- { name: AWS_REGION, value: {{ . | quote }} }
{{- end }}
{{- with .Values.traces.endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "panelflow.envFrom" -}}
{{- with .Values.store.credentials }}
- secretRef: { name: {{ . }} }
{{- end }}
{{- with .Values.envFrom }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "panelflow.mounts" -}}
- { name: cache, mountPath: /var/cache/panelflow }
- { name: tmp, mountPath: /tmp }
{{- if .Values.temporal.tls.secret }}
- { name: tls, mountPath: /etc/panelflow/tls, readOnly: true }
{{- end }}
{{- if .Values.store.claim }}
- { name: store, mountPath: {{ .Values.store.work | quote }} }
{{- end }}
{{- end }}

{{- define "panelflow.volumes" -}}
- { name: cache, emptyDir: {} }
- { name: tmp, emptyDir: {} }
{{- with .Values.temporal.tls.secret }}
- { name: tls, secret: { secretName: {{ . }} } }
{{- end }}
{{- with .Values.store.claim }}
- { name: store, persistentVolumeClaim: { claimName: {{ . }} } }
{{- end }}
{{- end }}

{{- define "panelflow.containerSecurity" -}}
{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
{{- end }}
